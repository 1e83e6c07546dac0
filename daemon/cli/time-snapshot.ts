/** Time as lines of text: what `kudurru time` shows, once or again and again. */
import { showable } from '@kudurru/proof';

import { wrapped } from './manual.ts';
import { duration, nanoseconds, windows } from './quantities.ts';
import { rangeOf, sparkline } from './sparkline.ts';
import type { Colour } from './terminal.ts';
import type { TimeAnswer, TimeSourceAnswer } from './time-answer.ts';
import { levelColour, levelMeaning, problemMeaning, stateColour } from './time-words.ts';

/** Text that may have a colour. */
export type Span = string | readonly [colour: Colour, text: string];
export type Line = readonly Span[];

const LABEL_WIDTH = 10;
const SPARKLINE_WIDTH = 30;
const VALUE_WIDTH = 10;

export function timeLines(view: TimeAnswer): Line[] {
  return [
    fact('time', view.utc, view.clock === 'evidence' ? '' : ' by the system clock'),
    fact('level', [levelColour(view.level), view.level], `: ${levelMeaning(view.level)}`),
    fact('windows', windows(view), limitText(view)),
    ...(view.heldUpNs === '0' ? [] : [fact('held up', heldUpText(view.heldUpNs))]),
    fact('profile', profileText(view)),
    ...evidenceFacts(view),
    ...view.sources.flatMap(sourceLines),
    ...adviceLines(view),
  ];
}

/** Of at most `columns` characters; text that others chose does nothing to a terminal. */
export function clipped(line: Line, columns: number): Line {
  let left = columns;
  return line.map((span) => {
    const [colour, text] = typeof span === 'string' ? [null, span] : span;
    const shown = Array.from(showable(text)).slice(0, left);
    left -= shown.length;
    const fitting = shown.join('');
    return colour === null ? fitting : ([colour, fitting] as const);
  });
}

function fact(label: string, ...spans: Span[]): Line {
  return [label.padEnd(LABEL_WIDTH + 2), ...spans];
}

function limitText({ widthMaxNs }: TimeAnswer): string {
  return widthMaxNs === null ? '' : `; a lock is within ±${nanoseconds(BigInt(widthMaxNs))}`;
}

function heldUpText(heldUpNs: string): string {
  return `${nanoseconds(BigInt(heldUpNs))}: time waits for the newest entry's, never going back`;
}

function profileText({ profile }: TimeAnswer): string {
  return profile === null ? 'none' : `${profile.name}, entry ${profile.index}`;
}

function evidenceFacts(view: TimeAnswer): Line[] {
  const { evidence, profile } = view;
  if (evidence === null) {
    return [fact('evidence', profile === null ? 'none' : 'no lock in this run yet')];
  }
  const { index, cause, ageMs, groups, liars } = evidence;
  const agreed = `${groups} independent ${groups === 1 ? 'group' : 'groups'} of sources`;
  const lying = liars === 0 ? 'none of them lies' : `at most ${liars} of them lie`;
  return [
    fact('evidence', `entry ${index} (${cause}), ${duration(ageMs)} ago`),
    fact('agreed', groups === 0 ? 'nobody' : `${agreed}: right while ${lying}`),
    fact('sinks', sinkingText(view)),
  ];
}

const SINKING = ['DEGRADED', 'HOLDOVER', 'LOCKED', 'ATTESTED'];

/** What the level comes to by itself, and when. */
function sinkingText({ level, lockedForMs, holdoverForMs }: TimeAnswer): string {
  const steps = [
    ['HOLDOVER', lockedForMs ?? 0],
    ['DEGRADED', holdoverForMs ?? 0],
  ] as const;
  const ahead = steps.filter(
    ([lower, ms]) => ms > 0 && SINKING.indexOf(level) > SINKING.indexOf(lower),
  );
  if (ahead.length === 0) return 'no further by itself';
  const told = ahead.map(([lower, ms]) => `to ${lower} in ${duration(ms)}`);
  return `${told.join(', ')}, without new evidence`;
}

function adviceLines({ advice }: TimeAnswer): Line[] {
  if (advice === null) return [];
  const texts = wrapped(advice, LABEL_WIDTH + 2);
  return [[], ...texts.map((text, at) => fact(at === 0 ? 'to do' : '', ['open', text]))];
}

function sourceLines(source: TimeSourceAnswer): Line[] {
  const { id, kind, label, group, state, notes, samples } = source;
  const head: Line = [
    ['strong', id],
    `  ${kind}, ${label}, group ${group}: `,
    [stateColour(state), state],
    `; ${processText(source)}`,
  ];
  const noted = Object.entries(notes).map(([code, count]) => `${code} ${count}`);
  return [
    [],
    head,
    ...problemLines(source),
    ...(noted.length === 0 ? [] : [indented('notes', noted.join(', '))]),
    ...sampleLines(samples),
  ];
}

function problemLines({ problems, latched, sky }: TimeSourceAnswer): Line[] {
  const lines = problems.map((problem) =>
    indented('problem', ['bad', problem], `: ${problemMeaning(problem)}`),
  );
  if (latched.length > 0) {
    lines.push(indented('latched', `${latched.join(', ')}: until another time profile is signed`));
  }
  if (sky !== null) lines.push(indented('sky', `spoofing ${sky.spoofing}, jamming ${sky.jamming}`));
  return lines;
}

function processText({ kind, process, restarts, heardAgeMs }: TimeSourceAnswer): string {
  if (kind === 'system-clock') return 'read by the daemon, never counted';
  if (process === 'none') return 'not read here';
  const again = restarts === 0 ? '' : `, began again ${restarts} times`;
  const heard = heardAgeMs === null ? 'nothing heard' : `heard ${duration(heardAgeMs)} ago`;
  return `${process}${again}, ${heard}`;
}

function sampleLines(samples: TimeSourceAnswer['samples']): Line[] {
  if (samples.length === 0) return [];
  const offsets = samples.map(({ offsetNs }) => BigInt(offsetNs));
  const delays = samples.map(({ delayNs }) => BigInt(delayNs));
  return [seriesLine('offset', offsets), seriesLine('delay', delays)];
}

function seriesLine(label: string, values: readonly bigint[]): Line {
  const shown = values.slice(-SPARKLINE_WIDTH);
  const { least, largest } = rangeOf(shown);
  const newest = nanoseconds(shown.at(-1) ?? 0n).padStart(VALUE_WIDTH);
  const bars = sparkline(shown, SPARKLINE_WIDTH).padEnd(SPARKLINE_WIDTH);
  const range = `${nanoseconds(least)} … ${nanoseconds(largest)}`;
  return indented(label, `${newest}  ${bars}  `, ['dim', range]);
}

function indented(label: string, ...spans: Span[]): Line {
  return [`  ${label.padEnd(LABEL_WIDTH)}`, ...spans];
}
