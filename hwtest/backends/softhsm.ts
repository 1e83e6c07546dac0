/**
 * A software token (SoftHSM) in a folder of its own: configuration, token, PINs, nothing outside.
 * It has no process: the PKCS#11 module reads the folder that SOFTHSM2_CONF names, and that
 * variable is set in the process that uses the token only.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { makeFolder } from '../../daemon/src/base/make-folder.ts';
import { emulatorFailed } from './run-program.ts';

/** Where Debian's libsofthsm2 package puts the module. */
export const softhsmModule = '/usr/lib/softhsm/libsofthsm2.so';

export interface SofthsmToken {
  readonly module: string;
  readonly tokenLabel: string;
  /** The user PIN, 0600. */
  readonly pinFile: string;
  /** What the process that uses the token needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What the process that initialises the token is told: never on a command line. */
export interface InitialisationOrder {
  readonly module: string;
  readonly tokenLabel: string;
  readonly securityOfficerPin: string;
  readonly userPin: string;
}

/**
 * The token kept under `folder` (0700), made on first use with random PINs; a `blank` one is left
 * to be initialised by who uses it.
 * @throws KudurruError `device-emulator-failed`
 */
export async function prepareSofthsm(
  folder: string,
  tokenLabel: string,
  as: 'initialised' | 'blank' = 'initialised',
): Promise<SofthsmToken> {
  const home = resolve(folder);
  const pinFile = join(home, 'token-pin');
  const token = {
    module: softhsmModule,
    tokenLabel,
    pinFile,
    environment: { SOFTHSM2_CONF: join(home, 'softhsm2.conf') },
  };
  // The field has 32 bytes (PKCS#11 v2.40 §5.5), padded with blanks.
  if (!/^[\x20-\x7e]{1,32}$/u.test(tokenLabel)) {
    throw emulatorFailed(
      'software token not made',
      `its label '${tokenLabel}' is not 1 to 32 printable ASCII characters`,
    );
  }
  if (!existsSync(softhsmModule)) {
    throw emulatorFailed(`'${softhsmModule}' not found`, 'softhsm2 is not installed');
  }
  if (existsSync(join(home, 'token'))) return token;
  if (as === 'initialised') await makeToken(home, token);
  else makeBlankToken(home, token);
  return token;
}

function makeBlankToken(home: string, token: SofthsmToken): void {
  makeFolder(home, 0o700);
  writeConfig(token.environment['SOFTHSM2_CONF'] ?? '', join(home, 'token'));
  makeFolder(join(home, 'token'), 0o700);
}

/** The token's folder gets its name last, so an interrupted set-up is begun again. */
async function makeToken(home: string, token: SofthsmToken): Promise<void> {
  const unfinished = join(home, 'token.new');
  rmSync(unfinished, { recursive: true, force: true });
  makeFolder(unfinished, 0o700);
  const order = {
    module: token.module,
    tokenLabel: token.tokenLabel,
    securityOfficerPin: randomBytes(16).toString('hex'),
    userPin: randomBytes(16).toString('hex'),
  };
  const firstConfig = join(home, 'softhsm2.conf.new');
  writeConfig(firstConfig, unfinished);
  writeConfig(token.environment['SOFTHSM2_CONF'] ?? '', join(home, 'token'));
  writeFileSync(token.pinFile, `${order.userPin}\n`, { mode: 0o600 });
  writeFileSync(`${token.pinFile}-officer`, `${order.securityOfficerPin}\n`, { mode: 0o600 });
  await initialise(order, { SOFTHSM2_CONF: firstConfig });
  renameSync(unfinished, join(home, 'token'));
  rmSync(firstConfig);
}

function writeConfig(path: string, tokenFolder: string): void {
  const lines = [
    `directories.tokendir = ${tokenFolder}`,
    'objectstore.backend = file',
    'log.level = ERROR',
    'slots.removable = false',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
}

/** In a process of its own: the module must not be loaded into ours. */
async function initialise(
  order: InitialisationOrder,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const program = fileURLToPath(new URL('softhsm-initialise.ts', import.meta.url));
  const child = fork(program, [], {
    env: environment,
    execArgv: [],
    stdio: ['ignore', 2, 'pipe', 'ipc'],
  });
  child.send(order);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await exitCode(child);
  if (code !== 0) throw emulatorFailed('software token not made', said.trim());
}

function exitCode(child: ChildProcess): Promise<number | null> {
  return new Promise((settle, reject) => {
    child.once('error', reject);
    child.once('close', settle);
  });
}
