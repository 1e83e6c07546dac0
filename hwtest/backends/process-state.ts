/** What the kernel says of a process: proc_pid_stat(5), field 3. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

/** SIGSTOP, and back when every thread has stopped: from then on the process does nothing. */
export async function suspendProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await until(() => statesOf(pid).every((state) => state === 'T'));
}

export function resumeProcess(pid: number): void {
  process.kill(pid, 'SIGCONT');
}

/** True as soon as the process is gone or a zombie; false when it is there after ten seconds. */
export async function isGone(pid: number): Promise<boolean> {
  return until(() => statesOf(pid).every((state) => state === 'Z' || state === 'X'));
}

async function until(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 1000; i += 1) {
    if (condition()) return true;
    await wait(10);
  }
  return false;
}

/** One letter a thread; none where the process is gone. */
function statesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => {
      // The state follows the command's name, which is in parentheses.
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      return stat.charAt(stat.lastIndexOf(')') + 2);
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return [];
    throw error;
  }
}
