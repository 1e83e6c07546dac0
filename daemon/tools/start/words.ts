/** What a start says before and after. Paths as a person in this folder would type them. */
import { relative } from 'node:path';

import type { Configuration } from '../../src/config/load.ts';
import { defaultStateFolder } from '../../src/config/load.ts';
import { tourFolderOf } from './tour-folder.ts';

export function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}

/** ` --state DIR` where the command would not find the folder by itself. */
export function stateOption(state: string): string {
  return shortPath(state) === defaultStateFolder ? '' : ` --state ${shortPath(state)}`;
}

export function opening(
  { state, settings }: Configuration,
  { wantsTour, ownTour }: { readonly wantsTour: boolean; readonly ownTour: boolean },
): string {
  const tour = ownTour
    ? 'Tour      first start here: a recorded session follows'
    : wantsTour
      ? `Tour      done before: its files are in ${shortPath(tourFolderOf(state))}`
      : 'Tour      not wanted';
  const sockets = [settings.agentSocket, settings.controlSocket, settings.logSocket];
  return `Kudurru, with emulated devices: what it makes says "emulated" and proves no hardware.

Runs      the daemon in this terminal, a software TPM (swtpm), a software token (SoftHSM)
State     ${shortPath(state)} (remove it to begin anew)
Sockets   ${sockets.map(shortPath).join(', ')}
Stop      Ctrl-C: everything ends with it
${tour}

`;
}

export function nextSteps(state: string): string {
  const option = stateOption(state);
  return `
Running. In another terminal:
  npx kudurru status${option}
  npx kudurru search${option}
  npx kudurru agent enrol me --owner "My Team" --purpose "trying out" --new-key me.pem${option}
  npx kudurru mcp --agent me --key me.pem${option} -- npx mcp-server-filesystem .
  npx kudurru --help

`;
}
