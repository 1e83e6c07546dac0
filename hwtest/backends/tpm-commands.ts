/**
 * TPM commands that no part of the product sends, as raw bytes with an empty password: what
 * somebody with the box in their hands could do to its TPM.
 */
import { exchange } from './tpm-socket.ts';

const timeoutMs = 5000;
/** TPM_ST_SESSIONS and TPM_RS_PW, Part 2 §6.9 and §7.4. */
const sessions = 0x8002;
const emptyPassword = Buffer.from('00000009400000090000000000', 'hex');
const owner = 0x40000001;
const platform = 0x4000000c;
const code = { clear: 0x126, undefineSpace: 0x122, defineSpace: 0x12a, extendPcr: 0x182 };

/** TPM2_PCR_Extend, Part 3 §22.2, SHA-256 bank. */
export async function extendPcr(socketPath: string, pcr: number, digest: Buffer): Promise<void> {
  const values = Buffer.concat([u32(1), Buffer.from('000b', 'hex'), digest]);
  await send(socketPath, { code: code.extendPcr, handles: [pcr], parameters: values });
}

/** TPM2_NV_UndefineSpace, Part 3 §31.4, by the owner. */
export async function undefineIndex(socketPath: string, index: number): Promise<void> {
  await send(socketPath, { code: code.undefineSpace, handles: [owner, index] });
}

/** TPM2_NV_DefineSpace, Part 3 §31.3, by the owner: an extend index without authorisation. */
export async function defineExtendIndex(socketPath: string, index: number): Promise<void> {
  const attributes = 0x02040044; // TPMA_NV: NO_DA, AUTHREAD, TPM_NT_EXTEND, AUTHWRITE
  const area = Buffer.concat([u32(index), u16(0x000b), u32(attributes), u16(0), u16(32)]);
  const parameters = Buffer.concat([u16(0), u16(area.length), area]);
  await send(socketPath, { code: code.defineSpace, handles: [owner], parameters });
}

/** TPM2_Clear, Part 3 §24.6, by the platform. */
export async function clearTpm(socketPath: string): Promise<void> {
  await send(socketPath, { code: code.clear, handles: [platform] });
}

async function send(
  socketPath: string,
  what: { readonly code: number; readonly handles: readonly number[]; parameters?: Buffer },
): Promise<void> {
  const { parameters = Buffer.alloc(0) } = what;
  const body = Buffer.concat([...what.handles.map(u32), emptyPassword, parameters]);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(sessions, 0);
  head.writeUInt32BE(head.length + body.length, 2);
  head.writeUInt32BE(what.code, 6);
  const answer = await exchange(socketPath, Buffer.concat([head, body]), timeoutMs);
  const response = answer.readUInt32BE(6);
  if (response !== 0) throw new Error(`the TPM refused: 0x${response.toString(16)}`);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
