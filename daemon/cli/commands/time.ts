/** `kudurru time`: level, windows and sources, live in the terminal. */
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { LiveScreen } from '../live-screen.ts';
import type { Terminal } from '../terminal.ts';
import type { TimeAnswer } from '../time-answer.ts';
import { clipped, timeLines, type Line } from '../time-snapshot.ts';

const intervalDefaultS = 1;
const intervalMaxS = 3600;

export const time: Command = {
  words: ['time'],
  summary: 'show how good time is, and what each source says',
  synopsis: ['[--once] [--interval SECONDS] [--state DIR] [--json]'],
  description: [
    'Shows the level of time in force, both windows, the time profile and evidence that they ' +
      'rest on, and each source: whether it counts, why not, how its process does, and of PTP ' +
      'the last offsets and path delays. On a terminal it is drawn again each second until q or ' +
      'Ctrl-C; else, and with --once, it is printed once.',
    'A window is a half width. The statistical one holds what sources scatter; the adversarial ' +
      'one holds the truth whatever is done to the delay of messages, and not where a source ' +
      'itself lies. "without new" says what the level sinks to by itself, and when.',
    '--json prints one object. level; taiNs, utc: now; statisticalNs, adversarialNs: half ' +
      'widths, null is not known; clock: evidence, or system-clock where nothing else is ' +
      "followed; heldUpNs: by how much time waits for the newest entry's; advice: what to do, " +
      'or null; profile: name and index of its entry, or null; evidence: index of its entry, ' +
      'cause, ageMs, groups that agreed, liars that may be among them, or null; lockedForMs, ' +
      'holdoverForMs: until the level sinks by itself, or null; widthMaxNs: limit of a lock, or ' +
      'null; sources: a list. Numbers in nanoseconds are decimal text.',
    'Of a source: id, kind, label, group; state: healthy, unhealthy, outvoted, disputing, ' +
      'observed (never counts) or not-judged; problems: codes; latched: those that stay; sky: ' +
      'spoofing and jamming as a receiver has them, or null; process: running, restarting, or ' +
      'none where nothing reads it; restarts; heardAgeMs, or null; notes: how often its process ' +
      'reported what; samples: of PTP, oldest first, each ageMs, offsetNs and delayNs.',
  ],
  options: [
    { name: 'once', meaning: 'print it once, on a terminal too' },
    {
      name: 'interval',
      value: 'SECONDS',
      meaning: `draw again so often (${intervalDefaultS}, at most ${intervalMaxS})`,
    },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'the daemon refused']],
  examples: [
    ['Live', 'kudurru time'],
    ['The level, for a program', 'kudurru time --json | jq -r .level'],
  ],
  async run(invocation) {
    invocation.take();
    const intervalS = invocation.integer('interval') ?? intervalDefaultS;
    if (intervalS < 1 || intervalS > intervalMaxS) {
      throw wrongUse(`--interval is 1 to ${intervalMaxS}`);
    }
    const client = new ControlClient(invocation.locations().controlSocket);
    const ask = (): Promise<TimeAnswer> => client.get<TimeAnswer>('/v1/time');
    const view = await ask();
    const { terminal } = invocation;
    if (invocation.isJson) terminal.printJson(view);
    else {
      const isLive = process.stdout.isTTY && !invocation.flag('once');
      const last = isLive ? await watch(view, { ask, intervalS, terminal }) : timeLines(view);
      printAll(terminal, last);
    }
    return EXIT.good;
  },
};

interface WatchOptions {
  readonly ask: () => Promise<TimeAnswer>;
  readonly intervalS: number;
  readonly terminal: Terminal;
}

/** Until it is left; what was shown last. A daemon that is away is waited for. */
async function watch(
  first: TimeAnswer,
  { ask, intervalS, terminal }: WatchOptions,
): Promise<Line[]> {
  let lines = timeLines(first);
  const screen = new LiveScreen({ output: process.stdout, input: process.stdin });
  try {
    while (!screen.isLeft) {
      const shown = [...lines, [], [['dim', 'q leaves']] satisfies Line];
      screen.draw(shown.map((line) => painted(terminal, clipped(line, screen.columns))));
      await screen.turn(intervalS * 1000);
      if (!screen.isLeft) lines = await ask().then(timeLines, (error: unknown) => away(error));
    }
  } finally {
    screen.leave();
  }
  return lines;
}

function away(error: unknown): Line[] {
  if (!(error instanceof Failure)) throw error;
  return [[['bad', error.message]], ['it is asked again']];
}

function printAll(terminal: Terminal, lines: readonly Line[]): void {
  for (const line of lines) terminal.print(painted(terminal, clipped(line, Infinity)));
}

function painted(terminal: Terminal, line: Line): string {
  return line
    .map((span) => (typeof span === 'string' ? span : terminal.paint(...span)))
    .join('')
    .trimEnd();
}
