/** The requests that change the tree. */
import { JuteError, type JuteReader, type JuteWriter } from './jute.ts';
import { code, op, readAcl, writeStat, ZooKeeperError } from './protocol.ts';
import { type CreateMode, rollBack, statOf, type Transaction, type Tree } from './tree.ts';

/** Reading the request, doing it, and writing the result are apart: a multi reads all of its parts before it does one. */
export type Write = (request: JuteReader) => (tree: Tree, txn: Transaction) => (writer: JuteWriter) => void;

function creation(request: JuteReader): (tree: Tree, txn: Transaction) => string {
  const asked = { path: request.string(), data: request.buffer(), acl: readAcl(request), flags: request.int() };
  return (tree, txn) => tree.create(txn, asked.path, asked.data, asked.acl, createMode(asked.flags));
}

const create: Write = (request) => {
  const steps = creation(request);
  return (tree, txn) => {
    const path = steps(tree, txn);
    return (writer) => writer.string(path);
  };
};

const create2: Write = (request) => {
  const steps = creation(request);
  return (tree, txn) => {
    const path = steps(tree, txn);
    const stat = statOf(tree.get(path));
    return (writer) => writeStat(writer.string(path), stat);
  };
};

const remove: Write = (request) => {
  const asked = { path: request.string(), version: request.int() };
  return (tree, txn) => {
    tree.delete(txn, asked.path, asked.version);
    return nothing;
  };
};

const setData: Write = (request) => {
  const asked = { path: request.string(), data: request.buffer(), version: request.int() };
  return (tree, txn) => {
    tree.setData(txn, asked.path, asked.data, asked.version);
    const stat = statOf(tree.get(asked.path));
    return (writer) => writeStat(writer, stat);
  };
};

const setAcl: Write = (request) => {
  const asked = { path: request.string(), acl: readAcl(request), version: request.int() };
  return (tree, txn) => {
    tree.setAcl(txn, asked.path, asked.acl, asked.version);
    const stat = statOf(tree.get(asked.path));
    return (writer) => writeStat(writer, stat);
  };
};

const check: Write = (request) => {
  const asked = { path: request.string(), version: request.int() };
  return (tree, txn) => {
    tree.check(txn, asked.path, asked.version);
    return nothing;
  };
};

const multiParts = new Map<number, Write>([
  [op.create, create],
  [op.create2, create2],
  [op.delete, remove],
  [op.setData, setData],
  [op.check, check],
]);

const multi: Write = (request) => {
  const parts: { type: number; steps: ReturnType<Write> }[] = [];
  for (;;) {
    const header = { type: request.int(), done: request.bool(), error: request.int() };
    if (header.done) break;
    const write = multiParts.get(header.type);
    if (write === undefined) throw new JuteError(`operation ${header.type} cannot be part of a multi`);
    parts.push({ type: header.type, steps: write(request) });
  }
  return (tree, txn) => {
    const results: ((writer: JuteWriter) => void)[] = [];
    let failed: { at: number; code: number } | undefined;
    for (const [at, { type, steps }] of parts.entries()) {
      try {
        const writeResult = steps(tree, txn);
        results.push((writer) => writeResult(writeMultiHeader(writer, type, code.ok)));
      } catch (cause) {
        if (!(cause instanceof ZooKeeperError)) throw cause;
        failed = { at, code: cause.code };
        rollBack(txn);
        break;
      }
    }
    return (writer) => {
      if (failed === undefined) for (const write of results) write(writer);
      else for (const at of parts.keys()) writeMultiError(writer, errorOf(at, failed));
      writer.int(-1).bool(true).int(-1);
    };
  };
};

/** Parts before the failed one say ok although nothing was done, those behind it that they were not tried. */
function errorOf(at: number, failed: { at: number; code: number }): number {
  if (at === failed.at) return failed.code;
  return at < failed.at ? code.ok : code.runtimeInconsistency;
}

function writeMultiHeader(writer: JuteWriter, type: number, error: number): JuteWriter {
  return writer.int(type).bool(false).int(error);
}

function writeMultiError(writer: JuteWriter, error: number): void {
  writeMultiHeader(writer, op.error, error).int(error);
}

function nothing(): void {}

function createMode(flags: number): CreateMode {
  if (flags < 0 || flags > 6) throw new ZooKeeperError('badArguments', `create flags ${flags}`);
  // Containers and nodes that end after a time: nobody here needs them.
  if (flags > 3) throw new ZooKeeperError('unimplemented', `create flags ${flags}`);
  return { ephemeral: (flags & 1) !== 0, sequential: (flags & 2) !== 0 };
}

export const writes: ReadonlyMap<number, Write> = new Map<number, Write>([
  [op.create, create],
  [op.create2, create2],
  [op.delete, remove],
  [op.setData, setData],
  [op.setAcl, setAcl],
  [op.multi, multi],
]);
