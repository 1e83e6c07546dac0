/**
 * Where a daemon's state folder and its two sockets are, for the programs that talk to it. The same
 * order of precedence as the daemon's own settings: flags, environment, configuration file,
 * default. Settings that only the daemon uses are its own to check.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { parse } from 'smol-toml';

import { KudurruError, wrapError } from './errors.ts';

export interface LocationInput {
  /** `state`, `config`, `agent-socket`, `control-socket`. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentFolder: string;
}

/** Absolute paths. */
export interface Locations {
  readonly state: string;
  readonly agentSocket: string;
  readonly controlSocket: string;
}

/** The default state folder, in the current folder. */
export const defaultStateFolder = '.kudurru';

/** @throws KudurruError `config-unreadable`, `config-invalid` */
export function findLocations(input: LocationInput): Locations {
  const { flags, environment, currentFolder } = input;
  const given = flags['state'] ?? environment['KUDURRU_STATE'] ?? defaultStateFolder;
  const state = resolve(currentFolder, given);
  const file = flags['config'] ?? environment['KUDURRU_CONFIG'];
  const settings = file === undefined ? {} : readSettings(resolve(currentFolder, file));
  const socket = (name: SocketName): string => {
    const { flag, variable, fileName } = SOCKETS[name];
    const path =
      flags[flag] ?? environment[variable] ?? pathIn(settings, name) ?? `{state}/${fileName}`;
    return resolve(currentFolder, path.replaceAll('{state}', state));
  };
  return { state, agentSocket: socket('agentSocket'), controlSocket: socket('controlSocket') };
}

const SOCKETS = {
  agentSocket: {
    flag: 'agent-socket',
    variable: 'KUDURRU_AGENT_SOCKET',
    fileName: 'agent.sock',
  },
  controlSocket: {
    flag: 'control-socket',
    variable: 'KUDURRU_CONTROL_SOCKET',
    fileName: 'control.sock',
  },
} as const;
type SocketName = keyof typeof SOCKETS;

function pathIn(settings: Readonly<Record<string, unknown>>, name: SocketName): string | undefined {
  const value = settings[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new KudurruError('config-invalid', `setting "${name}" not accepted: it is not a path`);
}

function readSettings(file: string): Readonly<Record<string, unknown>> {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw wrapError('config-unreadable', `configuration file "${file}" not read`, cause);
  }
}
