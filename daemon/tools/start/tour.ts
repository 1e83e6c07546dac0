/** The tour: five steps, each with the command a person could type. It speaks on stdout. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { commandLine, runKudurru, type Ended } from './commands.ts';
import { runRecordedSession, type Call } from './recorded-session.ts';
import { makeTourFiles, markTourDone, type TourFiles } from './tour-folder.ts';
import { shortPath, stateOption } from './words.ts';

/** A step did not end as it must. */
export class TourEndedError extends Error {
  override readonly name = 'TourEndedError';
}

const AGENT = 'guide';
/** The tool whose call is proven. */
const PROVEN_TOOL = 'write_file';
const VALID = 0;
const INVALID = 1;

export async function runTour(state: string, stop: AbortSignal): Promise<void> {
  const tour = new Tour(state, stop);
  await tour.enrol();
  await tour.record();
  await tour.prove();
  await tour.verify();
  await tour.forge();
  markTourDone(state);
}

class Tour {
  readonly #state: string;
  readonly #stop: AbortSignal;
  readonly #files: TourFiles;

  constructor(state: string, stop: AbortSignal) {
    this.#state = state;
    this.#stop = stop;
    this.#files = makeTourFiles(state);
  }

  async enrol(): Promise<void> {
    say('1. An agent gets a name, an owner, a purpose and a key.\n');
    const { stdout } = await this.#run(['agent', 'list', '--json'], { isShown: false });
    const agents = JSON.parse(stdout) as { name: string }[];
    if (agents.some(({ name }) => name === AGENT)) {
      say(`   "${AGENT}" is enrolled already.\n`);
      return;
    }
    const { key } = this.#files;
    const who = ['--owner', 'Kudurru tour', '--purpose', 'shows what is recorded'];
    const keyOption = existsSync(key) ? '--key' : '--new-key';
    await this.#run(['agent', 'enrol', AGENT, ...who, keyOption, key]);
  }

  async record(): Promise<void> {
    say('\n2. An MCP client works with a file server, through the recording proxy. Each call is');
    say('   committed before the server sees it, each answer before the client does.\n');
    const calls: Call[] = [];
    const words: string[] = [];
    try {
      await runRecordedSession({
        files: this.#files,
        state: this.#state,
        agent: AGENT,
        onCall: (call) => {
          calls.push(call);
          sayCall(call);
        },
        onWords: (text) => words.push(text),
      });
    } catch (error) {
      process.stderr.write(words.join(''));
      throw failed('the MCP session ended', error instanceof Error ? error.message : 'unknown');
    }
    const failures = calls.filter(({ isError }) => isError).length;
    if (failures !== 2) {
      throw failed('the MCP session', `${failures} calls failed, and two of them should`);
    }
    say('');
    await this.#run(['search', '--agent', AGENT, '--limit', '4']);
  }

  async prove(): Promise<void> {
    say(`\n3. The outcome of ${PROVEN_TOOL} is proven: everything a reader needs, in one file.\n`);
    const query = ['search', '--agent', AGENT, '--tool', PROVEN_TOOL, '--kind', 'outcome'];
    const { stdout } = await this.#run([...query, '--limit', '1', '--json'], { isShown: false });
    const { hits } = JSON.parse(stdout) as { hits: { index: number }[] };
    const [hit] = hits;
    if (hit === undefined) throw failed('search', `found no ${PROVEN_TOOL}`);
    await this.#run(['prove', String(hit.index), '-o', this.#files.bundle]);
  }

  async verify(): Promise<void> {
    const { bundle, policy } = this.#files;
    say(
      '\n4. A separate program checks it: no daemon, no network, nothing but the file and a trust',
    );
    say('   policy. This one is made for trying out: it accepts emulated devices and a clock');
    say('   without bounds, which the default policy refuses.\n');
    const named = ['--name', 'trying out', '--accept', 'emulated', '--time-level', 'UNKNOWN'];
    await this.#run(['policy', 'export', ...named, '-o', policy]);
    say(`${indented(readFileSync(policy, 'utf8'))}\n`);
    const ended = await this.#run(['verify', bundle, '--policy', policy], { expected: VALID });
    if (!ended.stdout.startsWith('VALID (emulated)')) {
      throw failed('verify', `it says "${ended.stdout.split('\n')[0]}"`);
    }
  }

  async forge(): Promise<void> {
    const { bundle, forged, policy } = this.#files;
    const bytes = readFileSync(bundle);
    const at = bytes.indexOf(PROVEN_TOOL) + PROVEN_TOOL.length - 1;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    writeFileSync(forged, bytes);
    const now = bytes.toString('latin1', at - PROVEN_TOOL.length + 1, at + 1);
    say(`\n5. One bit of a copy is changed: byte ${at}, "${PROVEN_TOOL}" now reads "${now}".\n`);
    const words = ['verify', shortPath(forged), '--policy', shortPath(policy)];
    const { stdout } = await this.#run([...words, '--json'], { isShown: false, expected: INVALID });
    const verdict = JSON.parse(stdout) as Verdict;
    say(`   $ ${this.#line(words)}`);
    say(`   ${verdict.headline}`);
    for (const { outcome, id, text } of verdict.checks) {
      if (outcome === 'fail') say(`   FAIL ${id}: ${text}`);
    }
  }

  /** Runs a command, shown with what it prints. Ends the tour on another exit code. */
  async #run(
    words: readonly string[],
    { isShown = true, expected = 0 }: { isShown?: boolean; expected?: number } = {},
  ): Promise<Ended> {
    const typed = words.map((word) => (word.startsWith('/') ? shortPath(word) : word));
    const place = needsDaemon(words) ? ['--state', this.#state] : [];
    const ended = await runKudurru([...typed, ...place], this.#stop);
    if (isShown) {
      say(`   $ ${this.#line(typed)}`);
      say(indented(ended.stdout + ended.stderr));
    }
    if (ended.exitCode === expected) return ended;
    const said = ended.stderr.trim() || ended.stdout.trim();
    throw failed(commandLine(words), `exit code ${ended.exitCode}: ${said}`);
  }

  /** As typed in this folder. */
  #line(words: readonly string[]): string {
    return `${commandLine(words)}${needsDaemon(words) ? stateOption(this.#state) : ''}`;
  }
}

interface Verdict {
  readonly headline: string;
  readonly checks: readonly { readonly id: string; outcome: string; text: string }[];
}

function needsDaemon(words: readonly string[]): boolean {
  return words[0] !== 'verify';
}

function sayCall({ tool, target, isError, answer }: Call): void {
  const result = isError ? `refused: ${answer}` : 'ok';
  say(`   ${tool.padEnd(15)} ${shortPath(target).padEnd(36)} ${result}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function indented(text: string): string {
  return text.trimEnd().replaceAll(/^(?=.)/gmu, '   ');
}

function failed(what: string, why: string): TourEndedError {
  return new TourEndedError(`tour ended: ${what}: ${why}`);
}
