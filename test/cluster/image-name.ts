/** `evenkeel:dev` -> `docker.io/library/evenkeel:dev`: an image's name as Kubernetes means it. */
export function fullImageName(name: string): string {
  const parts = name.split('/');
  const [first = ''] = parts;
  const hasRegistry = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  const named = hasRegistry ? name : parts.length > 1 ? `docker.io/${name}` : `docker.io/library/${name}`;
  return /[:@][^/]*$/.test(named) ? named : `${named}:latest`;
}

/** The same image in another registry: `registry.example/team` + `docker.io/library/evenkeel:dev` -> `registry.example/team/evenkeel:dev`. */
export function imageNameIn(registry: string, name: string): string {
  const path = fullImageName(name)
    .split('/')
    .slice(1)
    .join('/')
    .replace(/^library\//, '');
  return `${registry.replace(/\/+$/, '')}/${path}`;
}
