/** Where this process runs, for its log: on Kubernetes the chart sets both. */
export function podFacts(): { pod: string | undefined; node: string | undefined } {
  return { pod: process.env.POD_NAME, node: process.env.NODE_NAME };
}
