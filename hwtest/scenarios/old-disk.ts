/** What somebody does who puts an older disk back: the ledger's own files, not the devices'. */
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const parts = ['journal', 'snapshot', 'lookup', 'tile', 'index', 'checkpoint'];

/** From one state folder, or a copy of one, to another; what was there is gone. */
export function copyDisk(from: string, to: string): void {
  for (const part of parts) {
    rmSync(join(to, part), { recursive: true, force: true });
    if (!existsSync(join(from, part))) continue;
    cpSync(join(from, part), `${join(to, part)}.copy`, { recursive: true });
    renameSync(`${join(to, part)}.copy`, join(to, part));
  }
}
