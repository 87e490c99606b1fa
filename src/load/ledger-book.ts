import type { Execution, LedgerLine, Writer } from './ledger.ts';

/** Puts executions together from the notes of handlers (ledger.ts), handed over file by file, in pieces as they come. */
export class ExecutionBook {
  readonly #processes = new Map<string, Notes>();
  #executions: Execution[] = [];

  /** Takes the next lines of a file. Parts of one process's notes are to come in their order. */
  add(file: string, lines: readonly string[]): void {
    const process = file.replace(/(\.\d+)?\.ndjson$/, '');
    let notes = this.#processes.get(process);
    if (notes === undefined) {
      notes = new Notes();
      this.#processes.set(process, notes);
    }
    for (const line of lines) {
      const execution = notes.add(line);
      if (execution !== undefined) this.#executions.push(execution);
    }
  }

  /** Drops what was handed over until now. What ends later is not known of any more. */
  forget(): void {
    this.#executions = [];
  }

  /** In the order in which they began. */
  get executions(): Execution[] {
    return this.#executions.toSorted((a, b) => a.began - b.began);
  }
}

/** The notes of one process. */
class Notes {
  #writer: Writer = { server: 'unknown', pid: 0 };
  readonly #open = new Map<number, Execution>();

  /** The execution that begins with this line, if one does. A torn line, as a killed process may leave, is passed over. */
  add(text: string): Execution | undefined {
    const line = parseLine(text);
    if (line === undefined) return undefined;
    switch (line.kind) {
      case 'writer':
        this.#writer = { server: line.server, pid: line.pid };
        return undefined;
      case 'begin': {
        const { id, method, call, at } = line;
        const execution: Execution = { id, method, writer: this.#writer, began: at, ended: undefined };
        this.#open.set(call, execution);
        return execution;
      }
      case 'end': {
        const execution = this.#open.get(line.call);
        if (execution !== undefined) execution.ended = line.at;
        this.#open.delete(line.call);
        return undefined;
      }
    }
  }
}

function parseLine(text: string): LedgerLine | undefined {
  try {
    return JSON.parse(text) as LedgerLine;
  } catch {
    return undefined;
  }
}
