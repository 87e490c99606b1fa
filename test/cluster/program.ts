/** The command line. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { chooseProvider, providerName, toolsFolder } from './choose.ts';
import { buildImages } from './images.ts';
import { type Provider, providerNames } from './provider.ts';
import { tell } from './tell.ts';

const mostNodes = 9;

export interface Globals {
  provider?: string;
  state?: string;
  tools?: string;
}

/** What commands are done with. */
export interface Doing {
  /** The provider that the options and the environment ask for. */
  choose(globals: Globals): Promise<Provider>;
  /** Becomes that program, in our place: its exit code, its input and all signals are its own then. Does not return. */
  become(file: string, args: readonly string[], env: NodeJS.ProcessEnv): void;
}

const real: Doing = {
  choose({ provider, state, tools }) {
    return chooseProvider({
      ...(provider === undefined ? {} : { provider: providerName(provider, '--provider ') }),
      ...(state === undefined ? {} : { state: resolve(state) }),
      ...(tools === undefined ? {} : { tools: toolsFolder(tools, '--tools ') }),
    });
  },
  // env looks on PATH, which the kernel does not.
  become: (file, args, env) => process.execve!('/usr/bin/env', ['env', file, ...args], env as Record<string, string>),
};

export function program(doing: Doing = real): Command {
  const made = new Command('cluster')
    .usage('[options] COMMAND')
    .description(
      'A Kubernetes to try evenkeel on: one that you have, one of kind, or one of namespaces of this machine.',
    )
    .addOption(
      new Option(
        '--provider <name>',
        `${providerNames.join(', ')}; default: the first that is possible [env EVENKEEL_CLUSTER]`,
      ),
    )
    .option(
      '--state <folder>',
      'where namespaces keeps all [env EVENKEEL_CLUSTER_STATE, default /var/lib/evenkeel-cluster]',
    )
    .option(
      '--tools <folder>',
      'tools for namespaces, ready as NAME or NAME.zst: kube, etcd, helm, coredns, metrics-server, k6; what is missing is built with Go, which takes minutes [env EVENKEEL_CLUSTER_TOOLS]',
    )
    .enablePositionalOptions()
    .showHelpAfterError('(npm run cluster -- --help says more)')
    .exitOverride()
    .addHelpText('after', help);
  const provider = () => doing.choose(made.opts());
  const add = (name: string, description: string) => {
    const command = made.command(name).description(description).exitOverride();
    return command.copyInheritedSettings(made);
  };

  add('up', 'bring it up and wait until nodes, DNS and metrics-server are ready; quick when it is')
    .option('--nodes <number>', 'how many run pods; default: as many as before, else 2', nodeCount)
    .action(async ({ nodes }: { nodes?: number }) => {
      const chosen = await provider();
      await chosen.up(nodes);
      tell(
        `it is up (${chosen.name}). Next: npm run cluster -- image --load && npm run cluster -- exec helm install evenkeel charts/evenkeel --set global.image.tag=dev`,
      );
    });
  add('exec', 'run a program with the cluster: KUBECONFIG is set, kubectl and helm are on PATH (of namespaces k6 too)')
    .argument('<command...>', 'the program and its arguments')
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (argv: string[]) => {
      const { file, args, env } = await (await provider()).command(argv);
      doing.become(file, args, env);
    });
  add('load', 'put images on every node')
    .argument('<image...>', 'a file as docker save writes it, or the name of an image of Docker or buildah here')
    .action(async (images: string[]) => (await provider()).load(images));
  add('image', 'build the images of this project')
    .option('--tag <tag>', 'its tag', 'dev')
    .option('--target <name...>', 'targets of the Dockerfile; default: all')
    .option('--load', 'put them on every node')
    .action(async ({ tag, target, load }: { tag: string; target?: string[]; load?: boolean }) => {
      const chosen = await provider();
      const built = await buildImages(chosen, tag, target);
      if (load) await chosen.load(built);
      else tell(`built: ${built.join(', ')}. Next: npm run cluster -- load ${built.join(' ')}`);
    });
  add('status', 'show nodes and pods').action(async () => {
    const { file, args, env } = await (await provider()).command(['kubectl', 'get', 'nodes,pods', '-A', '-o', 'wide']);
    doing.become(file, args, env);
  });
  add('down', 'stop it; what was deployed comes back with the next up').action(async () => (await provider()).down());
  add('destroy', 'stop it and remove all that it kept').action(async () => (await provider()).destroy());
  return made;
}

const help = `
Providers:
  existing    The cluster that KUBECONFIG names. It is not brought up or down. load pushes to EVENKEEL_E2E_REGISTRY.
  kind        Where Docker, kind, kubectl and helm are. Pods and Services are reached by kubectl port-forward.
  namespaces  For root on Linux, without Docker: containerd, kubelet and kube-proxy in namespaces of their own. It
              installs Debian packages that are missing. What exec runs reaches pods and Services, also by their names,
              and nothing else; pods reach no network but theirs, so every image they use has to be loaded. Its
              kubelets set a few parameters of the machine's kernel (vm.overcommit_memory, kernel.panic), as all do.

Examples:
  npm run cluster -- up --nodes 3
  npm run cluster -- image --load
  npm run cluster -- exec kubectl get pods -A
  npm run cluster -- exec helm install evenkeel charts/evenkeel --set global.image.tag=dev

Exit codes: 0 done, 1 it failed, 2 it was asked for wrongly or cannot be done here; of exec the program's own.`;

function nodeCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > mostNodes) {
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${mostNodes}.`);
  }
  return count;
}
