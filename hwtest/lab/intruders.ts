/** What somebody may do who wants to pass for ptp4l: on the network, and on the box. */
import { chownSync, renameSync } from 'node:fs';

import { type DatagramSocket, openDatagramSocket } from '@kudurru/native';
import { encodeHex } from '@kudurru/proof';

import { runProgram } from '../backends/run-program.ts';
import type { Grandmaster } from './grandmaster.ts';
import type { Lab } from './lab.ts';
import { inNamespace } from './lab-process.ts';

/** Whom a user of no rights is: Debian's nobody. */
export const NOBODY = 65_534;
export const FORGED_GRANDMASTER = 'deadbeefdeadbeef';

/** Another user's socket, put in the place of this one. */
export function putImpostor(path: string, heard: () => void): DatagramSocket {
  const own = `${path}-impostor`;
  const socket = openDatagramSocket({
    ...{ path: own, mode: 0o777 },
    receive: heard,
    fail: (error) => {
      throw error;
    },
  });
  chownSync(own, NOBODY, NOBODY);
  renameSync(own, path);
  return socket;
}

/** TIME_STATUS_NP to whoever may hear it, with hops left for ptp4l to hand it on. */
export function forgery(): Uint8Array {
  const source = `0badc0de0badc0de0001${'0001'}047f`;
  const target = `${'ff'.repeat(10)}01010200`;
  const data = `00000000075bcd15${'00'.repeat(34)}${FORGED_GRANDMASTER}`;
  const message = `0d020068${'00'.repeat(16)}${source}${target}00010034c000${data}`;
  return Uint8Array.from(Buffer.from(message, 'hex'));
}

/** From a grandmaster's station to the client, at the port for general messages. */
export async function inject(lab: Lab, from: Grandmaster, datagram: Uint8Array): Promise<void> {
  const script = `const socket = require('node:dgram').createSocket('udp4');
    const [hex, address] = process.argv.slice(1);
    socket.send(Buffer.from(hex, 'hex'), 320, address, () => socket.close());`;
  const [command = '', ...words] = inNamespace(from.ptp4l.pid ?? 0);
  const sent = ['-e', script, encodeHex(datagram), lab.clientStation.address];
  await runProgram(command, [...words, process.execPath, ...sent]);
}
