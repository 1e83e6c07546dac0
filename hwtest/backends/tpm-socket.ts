/** One TPM command over swtpm's data socket, as raw bytes: enough to start, stop and probe it. */
import { connect } from 'node:net';

/** Every response begins with tag, length and code (Part 1 §18.1). */
const headerSizeBytes = 10;

/** The whole response. Fails with the socket's error, or when no answer comes in time. */
export function exchange(
  socketPath: string,
  command: Uint8Array,
  timeoutMs: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let response = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer at '${socketPath}' in time`)));
    socket.once('error', fail);
    socket.once('connect', () => socket.write(command));
    socket.once('close', () => fail(new Error(`'${socketPath}' closed before its answer`)));
    socket.on('data', (chunk: Buffer) => {
      response = Buffer.concat([response, chunk]);
      if (response.length < headerSizeBytes) return;
      if (response.length < response.readUInt32BE(2)) return;
      resolve(response);
      socket.destroy();
    });
  });
}
