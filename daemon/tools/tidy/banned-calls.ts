/** What is not written in this house, where, and what is written in its place. */
import { scan } from './scan.ts';
import { code, isTest, lineAt, perSource, type Finding, type Rule } from './source.ts';

interface Ban {
  /** Looked for in code, with comments and the inside of strings blank. */
  readonly pattern: RegExp;
  readonly name: string;
  readonly instead: string;
  /** Files it is banned in. */
  readonly within: RegExp;
  /** Files of these that may. */
  readonly except?: RegExp;
  /** Whether tests may. */
  readonly inTests?: boolean;
  /** Whether it may be where a comment inside it says why. */
  readonly withReason?: boolean;
}

const ts = /\.ts$/;
const anyCpp = /\.(?:cpp|h)$/;
const stages = /^daemon\/src\/(?:intake|identity|rules|time|ledger|anchor|evidence|pipeline)/;

export const BANS: readonly Ban[] = [
  {
    pattern: /\bMath\.random\b/g,
    name: 'Math.random',
    instead: 'randomBytes or randomInt of node:crypto; in proof a parameter',
    within: ts,
  },
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.hrtime\b/g,
    name: 'a clock of the runtime',
    instead: "the time stage's clock: it gives an interval and its level",
    within: stages,
    // A worker has no other: it takes how long its own work lasts.
    except: /^daemon\/src\/evidence\/index\/build-worker\.ts$/,
  },
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/g,
    name: 'a clock',
    instead: 'a parameter: proof has no clock',
    within: /^daemon\/proof\/src\//,
  },
  {
    pattern: /\bBuffer\b|\bprocess\.|\b__dirname\b/g,
    name: 'a global of Node',
    instead: 'Uint8Array: proof runs in browsers too',
    within: /^daemon\/proof\/src\//,
  },
  {
    pattern: /\bprocess\.(?:exit|abort)\b/g,
    name: 'process.exit',
    instead: 'throw a KudurruError: only the main file of a program ends it',
    within: ts,
    except: /^daemon\/(?:[\w/-]+\/main\.ts|cli\/|tools\/|bench\/|bridges\/[^/]+\.ts)/,
    inTests: true,
  },
  {
    pattern: /\bconsole\.\w+\(/g,
    name: 'console',
    instead: 'the log of daemon/src/base; a command writes its result to process.stdout',
    within: /^(?:daemon\/(?:src|proof|agent|devices|bridges)|native\/lib)\//,
    inTests: true,
  },
  {
    pattern: /\bas any\b|:\s*any\b|<any>|\bany\[\]/g,
    name: 'any',
    instead: 'unknown, and a check that gives it a type',
    within: ts,
  },
  {
    pattern: /\bcatch\s*(?:\(\s*\w*\s*\))?\s*\{\s*\}|\.catch\(\s*\(\w*\)\s*=>\s*\{\s*\}\s*\)/g,
    name: 'an empty catch',
    instead: 'handle it by its code, or let it go up',
    within: ts,
  },
  {
    pattern: /\brequire\(/g,
    name: 'require',
    instead: 'import',
    within: ts,
  },
  {
    pattern: /\b(?:describe|it)\.(?:only|skip)\b|\bxit\(|\bxdescribe\(/g,
    name: 'only or skip',
    instead: 'run it; what cannot run here says why in its title and is pending',
    within: /\.test\.ts$/,
  },
  {
    pattern: /\beval\(|\bnew Function\(/g,
    name: 'code from text',
    instead: 'code',
    within: ts,
  },
  {
    pattern: /\b(?:strcpy|strcat|sprintf|vsprintf|gets|alloca)\s*\(/g,
    name: 'an unbounded write',
    instead: 'std::string, std::span or snprintf with the size',
    within: anyCpp,
    inTests: true,
  },
  {
    pattern: /\b(?:rand|srand|random|drand48)\s*\(|\bstd::mt19937/g,
    name: 'a guessable random',
    instead: 'randombytes_buf of libsodium, or a parameter',
    within: anyCpp,
    except: /^native\/bench\//,
    inTests: true,
  },
  {
    pattern: /\b(?:gettimeofday|std::time|system_clock::now)\s*\(/g,
    name: 'a clock without its kind',
    instead: 'clock_gettime through core/clock',
    within: anyCpp,
  },
  {
    pattern: /\bstd::(?:cout|cerr|printf)\b|\bprintf\s*\(|\bfprintf\s*\(/g,
    name: 'printing',
    instead: 'return a status: TypeScript speaks to people',
    within: /^native\/src\//,
  },
  {
    pattern: /#include\s*[<"]\s*(?:napi|node_api|node|uv)\b|\bNapi::/g,
    name: 'Node inside src/core',
    instead: 'src/binding, the only code that sees Node-API',
    within: /^native\/src\/core\//,
  },
  {
    pattern: /\bcatch\s*\([^)]*\)\s*\{\s*\}/g,
    name: 'an empty catch',
    instead: 'turn it into a status, or say inside why nothing can be done',
    within: anyCpp,
    withReason: true,
  },
  {
    pattern: /\busing namespace\b/g,
    name: 'using namespace',
    instead: 'the names themselves',
    within: anyCpp,
    inTests: true,
  },
];

const suppressing = /@ts-(?:ignore|nocheck|expect-error)|(?:ox|es)lint-disable|NOLINT/g;

export const bannedCalls: Rule = perSource(code, ({ path, text }) => {
  // An include names its file in quotes, whose inside is blank in scanned code.
  const { code: scanned, comments } = scan(path, text);
  const readable = scanned.replaceAll(/^#include.*$/gm, (_, at: number) =>
    text.slice(at, text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at)),
  );
  const bans = BANS.filter(({ within, except, inTests = false }) => {
    return within.test(path) && except?.test(path) !== true && !(inTests && isTest(path));
  }).flatMap(({ pattern, name, instead, withReason = false }) =>
    Array.from(readable.matchAll(pattern))
      .filter(({ 0: { length }, index }) => {
        return !withReason || comments.slice(index, index + length).trim() === '';
      })
      .map(({ index }): Finding => {
        return { path, line: lineAt(text, index), problem: name, instead };
      }),
  );
  const silenced = Array.from(comments.matchAll(suppressing), ({ index }): Finding => {
    const problem = 'a check is switched off';
    return { path, line: lineAt(text, index), problem, instead: 'satisfy the check' };
  });
  return [...bans, ...silenced];
});
