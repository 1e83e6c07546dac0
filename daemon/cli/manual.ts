/** Manual pages, as `--help` prints them. */
import { allOptions, type Command } from './command.ts';
import { EXIT } from './exit-code.ts';

const WIDTH = 80;
const INDENT = 7;

const COMMON_EXITS = [
  [EXIT.good, 'done'],
  [EXIT.wrongUse, 'wrong use'],
  [EXIT.daemonUnreachable, 'the daemon cannot be reached'],
  [EXIT.internal, 'internal error'],
] as const;

/** @param below commands whose words go on from this one's */
export function manualOf(command: Command, below: readonly Command[] = []): string {
  const name = ['kudurru', ...command.words].join(' ');
  return [
    ...section('NAME', [`${name} - ${command.summary}`]),
    ...section(
      'SYNOPSIS',
      command.synopsis.map((form) => `${name} ${form}`.trimEnd()),
    ),
    ...section('DESCRIPTION', paragraphs(command.description)),
    ...section('OPTIONS', allOptions(command).flatMap(optionLines)),
    ...(below.length === 0 ? [] : section('COMMANDS', commandLines(below))),
    ...section('EXIT STATUS', exitLines(command)),
    ...section(
      'EXAMPLES',
      command.examples.flatMap(([text, line], at) => [
        ...(at === 0 ? [] : ['']),
        ...wrapped(`${text}:`, INDENT),
        `    ${line}`,
      ]),
    ),
  ].join('\n');
}

/** The page of words that commands begin with and that are none themselves. */
export function familyOf(words: readonly string[], below: readonly Command[]): string {
  const name = ['kudurru', ...words].join(' ');
  return [
    ...section('NAME', [`${name} - one of the commands below`]),
    ...section(
      'SYNOPSIS',
      below.map((command) => `${name} ${command.words.slice(words.length).join(' ')} --help`),
    ),
    ...section('COMMANDS', commandLines(below)),
  ].join('\n');
}

/** The page of `kudurru` itself. */
export function overviewOf(commands: readonly Command[]): string {
  return [
    ...section('NAME', ['kudurru - work with an execution ledger for AI agents']),
    ...section('SYNOPSIS', ['kudurru COMMAND [OPTION]…', 'kudurru COMMAND --help']),
    ...section('COMMANDS', commandLines(commands)),
    ...section('EXIT STATUS', [
      '0   done, and what was checked is good',
      '1   found bad: INVALID, not found, refused',
      '2   wrong use',
      '3   UNVERIFIABLE',
      '4   the daemon cannot be reached',
      '70  internal error',
    ]),
    ...section('ENVIRONMENT', [
      'KUDURRU_STATE   state folder of the daemon (--state)',
      'KUDURRU_CONFIG  configuration file of the daemon (--config)',
      'KUDURRU_AGENT   name of the agent (--agent of submit and mcp)',
      'KUDURRU_KEY     its key file (--key of submit and mcp)',
      'NO_COLOR        no colours',
    ]),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => (line === '' ? '' : `${' '.repeat(INDENT)}${line}`)), ''];
}

function commandLines(commands: readonly Command[]): string[] {
  const width = Math.max(...commands.map(({ words }) => words.join(' ').length));
  return commands.map(({ words, summary }) => `${words.join(' ').padEnd(width)}  ${summary}`);
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((text, at) => [...(at === 0 ? [] : ['']), ...wrapped(text, INDENT)]);
}

function optionLines({
  name,
  short,
  value,
  meaning,
}: ReturnType<typeof allOptions>[number]): string[] {
  const head = `${short === undefined ? '' : `-${short}, `}--${name}`;
  return [
    value === undefined ? head : `${head} ${value}`,
    ...wrapped(meaning, INDENT + 4).map((line) => `    ${line}`),
  ];
}

function exitLines(command: Command): string[] {
  return [...COMMON_EXITS, ...(command.exits ?? [])]
    .filter(([code], at, all) => all.findLastIndex(([other]) => other === code) === at)
    .toSorted(([left], [right]) => left - right)
    .map(([code, meaning]) => `${String(code).padEnd(3)} ${meaning}`);
}

/** Lines that stand at `indent` and end at the page's width. */
export function wrapped(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
