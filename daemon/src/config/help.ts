/** What `kudurrud --help` prints: a manual page, with the settings written from their rows. */
import { flagOf, SETTING_NAMES, SETTINGS, variableOf, type Row } from './schema.ts';

const lineLengthMax = 80;

export function helpText(): string {
  return `NAME
  kudurrud - the Kudurru daemon: records what AI agents do, provably

SYNOPSIS
  kudurrud [--state DIR] [--config FILE] [--SETTING VALUE ...]
  kudurrud --help | --version | --print-config

DESCRIPTION
  Takes signed actions from agents on a Unix socket, makes them durable in an
  append-only ledger, and anchors the ledger to a TPM. Runs in the foreground
  until SIGTERM or SIGINT, and then ends in order: what was received is
  committed and answered, a last anchor is counted, and a stop entry written.

  Everything it owns is in the state folder, which one daemon at a time can
  use. The first start gives the ledger its name and keys; they never change.

  One JSON line a fact goes to stderr. The line with "what":"ready" names the
  sockets, and says how well writers are known and what the devices are.

OPTIONS
  --state DIR       state folder (environment: KUDURRU_STATE; default .kudurru
                    in the current folder). Made when it does not exist.
  --config FILE     settings in TOML (environment: KUDURRU_CONFIG).
  --print-config    print the settings in force and where each comes from.
  --help, --version

SETTINGS
  Each is a flag, a variable of the environment, and a key of the file; the
  first of these that is given holds. {state} stands for the state folder.

${SETTING_NAMES.map(settingText).join('\n')}
TIME
  Where this box finds a source of the time profile that operators have put in
  force ("kudurru time profile"), by its id. A PTP source:

      [time.sources.gm]
      socket = "/var/run/ptp4l"   # of ptp4l; it is asked, never told
      intervalMs = 500            # between two rounds of questions
      allowedUids = [0]           # users that ptp4l may run as

  A GNSS receiver, which has to say NMEA or UBX and nothing else; it is asked
  who it is, and never told anything:

      [time.sources.roof]
      line = "/dev/ttyACM0"
      baud = 115200               # 4800 to 921600
      pulse = "/dev/pps0"         # where its pulse is wired; left out: none

  The file may have a table of agents that would rather be refused than
  recorded under doubtful time. Their submissions are refused as "time-level",
  to be tried again later, while the level is lower:

      [time.requireLevel]
      trader = "LOCKED"

EXIT STATUS
  0   stopped in order
  1   start refused: the message says what was found and what to do
  2   wrong use: an unknown flag, variable or key, or a value out of range
  70  ended because going on could have lost or falsified something

FILES
  DIR/agent.sock    where agents hand in actions
  DIR/control.sock  where the command "kudurru" asks
  DIR/ledger.json   what this ledger is, for people; never read by the daemon

SEE ALSO
  kudurru --help; ARCHITECTURE.md; proof/SPEC.md
`;
}

function settingText(name: (typeof SETTING_NAMES)[number]): string {
  const row: Row = SETTINGS[name];
  const names = `  --${flagOf(name)}\n      ${variableOf(name)}, ${name}`;
  const facts = `${row.meaning}: ${rangeOf(row)}. Default ${row.default}: ${row.reason}.`;
  return `${names}\n${wrap(facts, '      ')}\n`;
}

function rangeOf(row: Row): string {
  if (row.kind === 'integer') return `${row.min} to ${row.max} ${row.unit}`;
  return row.kind === 'choice' ? `one of ${row.choices.join(', ')}` : row.form;
}

function wrap(text: string, indent: string): string {
  const lines = [indent];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? indent;
    if (line !== indent && line.length + 1 + word.length > lineLengthMax) lines.push(indent + word);
    else lines[lines.length - 1] = line === indent ? indent + word : `${line} ${word}`;
  }
  return lines.join('\n');
}
