/**
 * A proxy in front of a software TPM, on sockets of its own: it answers any command with any
 * response code, late, never, or after the TPM has done it and the answer is lost. What has no
 * fault passes unchanged.
 */
import { rmSync } from 'node:fs';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';

import { exchange } from './tpm-socket.ts';

/** TPM_CC (Part 2 §6.5) of the commands that faults are for. */
export const commandCode = {
  evictControl: 0x120,
  hierarchyChangeAuth: 0x129,
  nvDefineSpace: 0x12a,
  createPrimary: 0x131,
  nvIncrement: 0x134,
  nvExtend: 0x136,
  dictionaryAttackParameters: 0x13a,
  startup: 0x144,
  shutdown: 0x145,
  certify: 0x148,
  certifyCreation: 0x14a,
  getTime: 0x14c,
  nvRead: 0x14e,
  policySecret: 0x151,
  create: 0x153,
  load: 0x157,
  quote: 0x158,
  sign: 0x15d,
  unseal: 0x15e,
  contextLoad: 0x161,
  contextSave: 0x162,
  flushContext: 0x165,
  loadExternal: 0x167,
  nvReadPublic: 0x169,
  policyAuthorize: 0x16a,
  readPublic: 0x173,
  startAuthSession: 0x176,
  verifySignature: 0x177,
  getCapability: 0x17a,
  getRandom: 0x17b,
  getTestResult: 0x17c,
  pcrRead: 0x17e,
  policyPcr: 0x17f,
  readClock: 0x181,
  pcrExtend: 0x182,
  nvCertify: 0x184,
  policyGetDigest: 0x189,
} as const;

export type TapSide = 'before' | 'after';

/** What happens to a command instead of its passage. */
export type TpmFaultKind =
  /** The TPM does not see it; this response code comes back. */
  | { readonly answer: number }
  /** The TPM does not see it, and no answer comes. */
  | 'lost-before'
  /** The TPM does it, and no answer comes. */
  | 'lost-after'
  /** The TPM does it, and `release` lets the answer go. */
  | { readonly until: Promise<void> }
  /** `before` is done first; the TPM sees the command then, or not. */
  | { readonly before: () => Promise<'goes on' | 'is lost'> }
  /** The TPM does it, then `after` is done, then the answer goes. */
  | { readonly after: () => Promise<void> }
  /** Told of the command before the TPM sees it, and when it has done it; may lose it each time. */
  | { readonly tap: (side: TapSide, command: Buffer) => Promise<'goes on' | 'is lost'> }
  /** The TPM does it, and the answer is another one. */
  | { readonly rewrite: (response: Buffer) => Buffer };

export interface TpmFault {
  /** TPM_CC; any command where it is not given. */
  readonly command?: number;
  readonly kind: TpmFaultKind;
  /** Only those of the command for which it is true: the whole command is shown. */
  readonly when?: (command: Buffer) => boolean;
  /** So many of these commands pass first. Default 0. */
  readonly after?: number;
  /** So many meet it then. Default 1. */
  readonly times?: number;
}

export interface TpmProxy {
  /** Transport for tpm2-tss. */
  readonly tcti: string;
  /** From now on, besides those that are left. */
  add(fault: TpmFault): void;
  clear(): void;
  /** How often the command was sent since the proxy was started. */
  count(command: number): number;
  stop(): Promise<void>;
}

const timeoutMs = 30_000;
const headerSizeBytes = 10;
/** TPM_ST_NO_SESSIONS, §6.9: the tag of every error. */
const noSessions = 0x8001;

interface Standing {
  readonly fault: TpmFault;
  passed: number;
  met: number;
}

/** In front of the TPM at `upstream`, a path whose control socket is beside it. */
export async function startTpmProxy(folder: string, upstream: string): Promise<TpmProxy> {
  const path = join(folder, 'proxy.sock');
  let standing: Standing[] = [];
  const counts = new Map<number, number>();
  const sockets = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    // The client of a lost answer ends its connection as it likes.
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    return socket;
  };
  const data = createServer((client) => {
    serve(track(client), async (command) => {
      const code = command.readUInt32BE(6);
      counts.set(code, (counts.get(code) ?? 0) + 1);
      return answerTo(command, { upstream, kind: faultFor(standing, command) });
    });
  });
  const control = createServer((client) => {
    const server = track(connect(`${upstream}.ctrl`));
    track(client).pipe(server).pipe(client);
  });
  await Promise.all([listen(data, path), listen(control, `${path}.ctrl`)]);
  return {
    tcti: `swtpm:path=${path}`,
    add: (fault) => void standing.push({ fault, passed: 0, met: 0 }),
    clear: () => void (standing = []),
    count: (command) => counts.get(command) ?? 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([close(data), close(control)]);
    },
  };
}

function faultFor(standing: readonly Standing[], sent: Buffer): TpmFaultKind | null {
  for (const entry of standing) {
    const { command, when = () => true, after = 0, times = 1, kind } = entry.fault;
    const isMeant = command === undefined || command === sent.readUInt32BE(6);
    if (!isMeant || !when(sent)) continue;
    if (entry.passed < after) {
      entry.passed += 1;
    } else if (entry.met < times) {
      entry.met += 1;
      return kind;
    }
  }
  return null;
}

/** Null: no answer, and the connection stays. */
async function answerTo(
  command: Buffer,
  { upstream, kind }: { readonly upstream: string; readonly kind: TpmFaultKind | null },
): Promise<Buffer | null> {
  if (kind === 'lost-before') return null;
  if (kind !== null && typeof kind === 'object') {
    if ('answer' in kind) return refusal(kind.answer);
    if ('before' in kind && (await kind.before()) === 'is lost') return null;
    if ('tap' in kind && (await kind.tap('before', command)) === 'is lost') return null;
  }
  const response = await exchange(upstream, command, timeoutMs);
  if (kind === null) return response;
  if (kind === 'lost-after') return null;
  if ('before' in kind) return response;
  if ('tap' in kind) return (await kind.tap('after', command)) === 'is lost' ? null : response;
  if ('after' in kind) {
    await kind.after();
    return response;
  }
  if ('rewrite' in kind) return kind.rewrite(response);
  await kind.until;
  return response;
}

function refusal(code: number): Buffer {
  const response = Buffer.alloc(headerSizeBytes);
  response.writeUInt16BE(noSessions, 0);
  response.writeUInt32BE(headerSizeBytes, 2);
  response.writeUInt32BE(code, 6);
  return response;
}

/** Whole commands, one after another, on one connection. */
function serve(client: Socket, answer: (command: Buffer) => Promise<Buffer | null>): void {
  let pending = Buffer.alloc(0);
  let last = Promise.resolve();
  client.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= headerSizeBytes && pending.length >= pending.readUInt32BE(2)) {
      const length = pending.readUInt32BE(2);
      const command = pending.subarray(0, length);
      pending = pending.subarray(length);
      last = last.then(async () => {
        const response = await answer(command);
        if (response !== null && !client.destroyed) client.write(response);
      });
      // The TPM behind it is gone: so is this one.
      last.catch(() => client.destroy());
    }
  });
}

function listen(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
