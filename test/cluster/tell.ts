/** Says what goes on. On stderr: stdout belongs to what is run inside. */
export function tell(line: string): void {
  process.stderr.write(`cluster: ${line}\n`);
}
