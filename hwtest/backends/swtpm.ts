/**
 * A software TPM (swtpm) in a folder of its own: made on first use, with its own certificate
 * authority, then started and stopped with its owner.
 *
 * The owner is the process that calls `startSwtpm`. When it ends, even by kill -9, the kernel ends
 * swtpm; processes that only use the TPM may come and go. A TPM that ends without TPM2_Shutdown has
 * lost power, as far as it can tell: `stop` shuts it down first.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { makeFolder } from '../../daemon/src/base/make-folder.ts';
import { reasonOf } from '../../daemon/src/base/errors.ts';
import { checkSocketPath } from '../../daemon/src/config/state-folder.ts';
import { resumeProcess, suspendProcess } from './process-state.ts';
import { emulatorFailed, runProgram } from './run-program.ts';
import { exchange } from './tpm-socket.ts';

export interface RunningSwtpm {
  /** Transport for tpm2-tss. */
  readonly tcti: string;
  readonly socketPath: string;
  readonly pid: number;
  /** TPM2_Shutdown, then the end of the process. Safe to call twice. */
  stop(): Promise<void>;
  /** It stops answering; back when it has. `resume` undoes it. */
  suspend(): Promise<void>;
  resume(): void;
  /** As if the host lost and regained power: `orderly` with TPM2_Shutdown before, or without. */
  powerCycle(orderly: boolean): Promise<void>;
}

/** swtpm answers within milliseconds; a loaded machine gets half a minute. */
const startTimeoutMs = 30_000;
const commandTimeoutMs = 5000;

/** TPM2_Shutdown(CLEAR) and TPM2_Startup(CLEAR), Part 3 §9.4 and §9.3; GetRandom(1), §16.1. */
const shutdownCommand = Buffer.from('80010000000c000001450000', 'hex');
const startupCommand = Buffer.from('80010000000c000001440000', 'hex');
const getRandomCommand = Buffer.from('80010000000c0000017b0001', 'hex');

/**
 * Starts the TPM kept under `folder` (0700, made where it does not exist).
 * @throws KudurruError `socket-path-too-long`, `device-emulator-failed`
 */
export async function startSwtpm(folder: string): Promise<RunningSwtpm> {
  const home = resolve(folder);
  const socketPath = socketOf(home);
  checkSocketPath(`${socketPath}.ctrl`);
  makeFolder(home, 0o700);
  await removeStaleSockets(socketPath);
  await createState(home);
  const child = launch(home);
  try {
    await untilAnswering(child, home);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return running(child, socketPath);
}

function socketOf(home: string): string {
  return join(home, 'tpm.sock');
}

function running(child: ChildProcess, socketPath: string): RunningSwtpm {
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const pid = child.pid ?? 0;
  return {
    tcti: `swtpm:path=${socketPath}`,
    socketPath,
    pid,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      try {
        await exchange(socketPath, shutdownCommand, commandTimeoutMs);
        child.kill('SIGTERM');
      } catch (error) {
        child.kill('SIGKILL');
        throw emulatorFailed('software TPM not shut down in order', reasonOf(error));
      } finally {
        await ended;
      }
    },
    suspend: () => suspendProcess(pid),
    resume: () => resumeProcess(pid),
    async powerCycle(orderly) {
      if (orderly) await exchange(socketPath, shutdownCommand, commandTimeoutMs);
      await runProgram('swtpm_ioctl', ['--unix', `${socketPath}.ctrl`, '-i']);
      await exchange(socketPath, startupCommand, commandTimeoutMs);
    },
  };
}

/** A TPM has one owner: sockets of a running one are left alone, those of a dead one removed. */
async function removeStaleSockets(socketPath: string): Promise<void> {
  if (existsSync(socketPath) && (await answers(socketPath))) {
    throw emulatorFailed(
      'software TPM not started',
      `one runs already at '${socketPath}'; stop its owner, or name another state folder`,
    );
  }
  rmSync(socketPath, { force: true });
  rmSync(`${socketPath}.ctrl`, { force: true });
}

/**
 * setpriv asks the kernel to kill swtpm when its parent ends; the shell then makes sure that the
 * parent did not end before that, and becomes swtpm.
 */
function launch(home: string): ChildProcess {
  const socketPath = socketOf(home);
  const guard = '[ "$PPID" = "$0" ] || exit 1; exec "$@"';
  const swtpm = [
    ...['swtpm', 'socket', '--tpm2', '--tpmstate', `dir=${join(home, 'tpm')},mode=0600`],
    ...['--server', `type=unixio,path=${socketPath},mode=0600`],
    ...['--ctrl', `type=unixio,path=${socketPath}.ctrl,mode=0600`],
    ...['--flags', 'not-need-init,startup-clear', ...runAsRoot()],
    // Any other log gets a line for every command.
    ...['--log', 'file=-'],
  ];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'sh', '-c', guard, String(process.pid), ...swtpm],
    // A group of its own: an interrupt typed at the terminal is for the owner, which stops us in
    // order.
    { cwd: '/', stdio: 'ignore', detached: true },
  );
  // A running TPM does not keep its owner alive.
  child.unref();
  return child;
}

async function untilAnswering(child: ChildProcess, home: string): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const socketPath = socketOf(home);
  const giveUpAtMs = performance.now() + startTimeoutMs;
  let why = 'its socket did not appear';
  while (performance.now() < giveUpAtMs) {
    if (failure !== undefined || child.exitCode !== null || child.signalCode !== null) {
      throw emulatorFailed('software TPM not started', failure?.message ?? endOf(child));
    }
    try {
      if (existsSync(socketPath) && (await answers(socketPath))) return;
    } catch (error) {
      // One that is starting may drop its caller; the last reason is told if it never answers.
      why = reasonOf(error);
    }
    await wait(10);
  }
  throw emulatorFailed('software TPM not started', `no answer in ${startTimeoutMs} ms: ${why}`);
}

function endOf(child: ChildProcess): string {
  const how = child.signalCode ?? `exit code ${child.exitCode}`;
  return `it ended with ${how}; to see why, run: ${child.spawnargs.slice(7).join(' ')}`;
}

async function answers(socketPath: string): Promise<boolean> {
  try {
    const response = await exchange(socketPath, getRandomCommand, commandTimeoutMs);
    return response.readUInt32BE(6) === 0;
  } catch (error) {
    // Between bind and listen the socket's file is there and refuses.
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return false;
    throw error;
  }
}

/** As root, swtpm would otherwise change to its own user and not reach the folder. */
function runAsRoot(): string[] {
  return process.getuid?.() === 0 ? ['--runas', 'root'] : [];
}

/** Made in a folder beside and renamed when complete: an interrupted set-up leaves no half TPM. */
async function createState(home: string): Promise<void> {
  const state = join(home, 'tpm');
  if (existsSync(state)) return;
  const unfinished = join(home, 'tpm.new');
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const config = writeAuthority(home);
  await runProgram('swtpm_setup', [
    ...['--tpm2', ...runAsRoot(), '--tpmstate', unfinished, '--config', config],
    ...['--createek', '--create-ek-cert', '--create-platform-cert', '--lock-nvram'],
    ...['--pcr-banks', 'sha256,sha384', '--write-ek-cert-files', unfinished],
  ]);
  renameSync(unfinished, state);
}

/** The certificate authority of this folder, so that nothing is written elsewhere. */
function writeAuthority(home: string): string {
  const folder = join(home, 'ca');
  makeFolder(join(folder, 'state'), 0o700);
  const at = (name: string): string => join(folder, name);
  const write = (name: string, lines: readonly string[]): void =>
    writeFileSync(at(name), `${lines.join('\n')}\n`, { mode: 0o600 });
  write('localca.conf', [
    `statedir = ${at('state')}`,
    `signingkey = ${at('state/signkey.pem')}`,
    `issuercert = ${at('state/issuercert.pem')}`,
    `certserial = ${at('state/certserial')}`,
  ]);
  write('localca.options', [
    '--platform-manufacturer Kudurru',
    '--platform-version 1.0',
    '--platform-model emulated',
  ]);
  write('setup.conf', [
    'create_certs_tool = /usr/bin/swtpm_localca',
    `create_certs_tool_config = ${at('localca.conf')}`,
    `create_certs_tool_options = ${at('localca.options')}`,
    'active_pcr_banks = sha256',
  ]);
  return at('setup.conf');
}
