/**
 * The device helper: the one process that touches the TPM and the token, so that their libraries
 * and secrets stay out of the daemon. It ends with the daemon: on an orderly stop after putting the
 * devices in order, on a lost channel at once, and by the kernel's hand when the daemon is killed.
 */
import { dieWithParent } from '@kudurru/tpm2-tss';

import { KudurruError, reasonOf } from '../src/base/errors.ts';
import { Pkcs11SigningToken } from '../src/hardware/backends/pkcs11-signing-token.ts';
import { TokenPinKeeper } from '../src/hardware/backends/token-pin-keeper.ts';
import { TpmAttestationDevice } from '../src/hardware/backends/tpm-attestation-device.ts';
import { DeviceError } from '../src/hardware/device-error.ts';
import {
  type Failure,
  type Reply,
  type Request,
  type Start,
  type Stop,
  deviceMethods,
} from './protocol.ts';

/** Two flushes and the end of the token's sessions: milliseconds, or the device does not answer. */
const closeTimeoutMs = 2000;

interface OpenDevices {
  readonly tpm: TpmAttestationDevice;
  readonly token: Pkcs11SigningToken;
  readonly pin: TokenPinKeeper;
}

type Method = (...args: unknown[]) => Promise<unknown>;

function start(message: Start): void {
  if (!dieWithParent(message.parentPid)) process.exit(0);
  const { settings } = message;
  const tpm = new TpmAttestationDevice(settings.tpm);
  const pin = new TokenPinKeeper(settings, tpm);
  const token = new Pkcs11SigningToken(settings.token, pin, endStuck);
  const devices: OpenDevices = { tpm, token, pin };
  // An interrupt typed at the terminal reaches the whole group; the daemon tells us when to stop.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => undefined);
  process.on('message', (next: Request | Stop) => {
    if ('stop' in next) void stop(devices);
    else void answer(devices, next);
  });
}

async function answer(devices: OpenDevices, request: Request): Promise<void> {
  let reply: Reply;
  try {
    const value = await methodOf(devices, request)(...request.args);
    reply = { id: request.id, value };
  } catch (error) {
    reply = { id: request.id, failure: failureFrom(error) };
  }
  // Without a channel there is nobody left to tell: 'disconnect' ends the process.
  if (process.connected) process.send?.(reply);
}

function methodOf(devices: OpenDevices, request: Request): Method {
  const { device, method } = request;
  if (!deviceMethods[device].includes(method)) {
    throw new KudurruError('assertion-failed', `device '${device}' has no method '${method}'`);
  }
  const target = devices[device] as unknown as Readonly<Record<string, Method>>;
  const found = target[method];
  if (found === undefined) {
    throw new KudurruError('assertion-failed', `device '${device}' lacks method '${method}'`);
  }
  return (...args) => found.apply(target, args);
}

function failureFrom(error: unknown): Failure {
  if (error instanceof KudurruError) {
    const deviceMayHaveChanged = error instanceof DeviceError && error.deviceMayHaveChanged;
    return { code: error.code, message: error.message, deviceMayHaveChanged };
  }
  const message = `device helper failed: ${reasonOf(error)}`;
  // Not a failure the backends know: nothing is known about the device either.
  return { code: 'assertion-failed', message, deviceMayHaveChanged: true };
}

/**
 * Nothing in this process can end a call of the token's module, or free what it holds: only the end
 * of the process does. The next call of the daemon starts another.
 */
function endStuck(): void {
  process.stderr.write('a call of the PKCS#11 module does not return: the device helper ends\n');
  process.kill(process.pid, 'SIGKILL');
}

async function stop(devices: OpenDevices): Promise<void> {
  const closed = await Promise.allSettled([
    devices.tpm.close(closeTimeoutMs),
    devices.token.close(),
  ]);
  for (const outcome of closed) {
    if (outcome.status === 'rejected') process.stderr.write(`${reasonOf(outcome.reason)}\n`);
  }
  process.exit(0);
}

if (process.send === undefined) {
  process.stderr.write('the device helper is started by kudurrud, not by hand\n');
  process.exit(2);
}
process.once('disconnect', () => process.exit(0));
process.once('message', start);
