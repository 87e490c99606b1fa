/** The API server's side of `exec`: a WebSocket whose first byte says which stream a message is of. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** A program in a container, as far as a test plays it: told each line of its stdin, and its end. */
export type ExecProgram = (where: { pod: string; container: string }, io: ExecIo) => void;

export interface ExecIo {
  onLine: (line: string) => void;
  /** Its stdin has ended, or the connection is lost. */
  onEnd: () => void;
  print(line: string): void;
  exit(code: number, complaint?: string): void;
  /** The connection breaks. */
  drop(): void;
}

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export function acceptExec(
  message: IncomingMessage,
  socket: Socket,
  where: { pod: string; container: string },
  program: ExecProgram,
): void {
  const key = createHash('sha1').update(`${message.headers['sec-websocket-key']}${magic}`).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n' +
      `sec-websocket-accept: ${key}\r\nsec-websocket-protocol: v5.channel.k8s.io\r\n\r\n`,
  );
  const write = (stream: number, text: string) => {
    if (!socket.destroyed) socket.write(frame(2, Buffer.concat([Buffer.from([stream]), Buffer.from(text)])));
  };
  let over = false;
  const end = () => {
    if (!over) io.onEnd();
    over = true;
  };
  const io: ExecIo = {
    onLine: () => {},
    onEnd: () => {},
    print: (line) => write(1, `${line}\n`),
    exit(code, complaint = '') {
      if (complaint !== '') write(2, `${complaint}\n`);
      const details = { causes: [{ reason: 'ExitCode', message: `${code}` }] };
      write(3, JSON.stringify(code === 0 ? { status: 'Success' } : { status: 'Failure', details }));
      socket.end(frame(8, Buffer.alloc(0)));
    },
    drop: () => void socket.destroy(),
  };
  program(where, io);
  let pending = Buffer.alloc(0);
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes]);
    for (let read = unframe(pending); read !== undefined; read = unframe(pending)) {
      pending = Buffer.from(pending.subarray(read.length));
      const stream = read.payload[0];
      const rest = read.payload.subarray(1).toString();
      // 255: the stream that the next byte names is closed.
      if (read.opcode === 8 || stream === 255) end();
      else if (stream === 0) text += rest;
      for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
        const line = text.slice(0, at);
        text = text.slice(at + 1);
        io.onLine(line);
      }
    }
  });
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('close', end);
}

function frame(opcode: number, payload: Buffer): Buffer {
  const long = payload.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | opcode;
  head[1] = long ? 126 : payload.length;
  if (long) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** The first frame, if it is whole. A client's are masked. */
function unframe(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const begin = short === 126 ? 4 : 2;
  if (bytes.length < begin) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short;
  const length = begin + 4 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(begin, begin + 4);
  const payload = Buffer.from(bytes.subarray(begin + 4, length));
  for (const [at, byte] of payload.entries()) payload[at] = byte ^ mask[at % 4]!;
  return { opcode: bytes[0]! & 0x0f, payload, length };
}
