import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { readCheckout } from '../tools/tidy/checkout.ts';
import { breakWideComments } from '../tools/tidy/comment-width.ts';
import { RULES } from '../tools/tidy/rules.ts';
import { scan } from '../tools/tidy/scan.ts';

interface Planted {
  readonly rule: keyof typeof RULES;
  readonly what: string;
  /** Path and text of each file. */
  readonly files: Readonly<Record<string, string>>;
  /** 'path:line' of each finding. */
  readonly found: readonly string[];
  /** In the advice of the first finding. */
  readonly instead?: string;
}

const lines = (count: number, line = '// x'): string => `${line}\n`.repeat(count);
const table = (rows: string): string => `export const ERROR_CODES = {\n${rows}} as const;\n`;
const row = (code: string): string => `  /** Why. */\n  '${code}': {\n    retry: 'never',\n  },\n`;
const thrower = { 'daemon/src/time/a.ts': "throw new KudurruError('a', '');\n" };

const PLANTED: readonly Planted[] = [
  {
    rule: 'import map',
    what: 'a stage that imports another stage',
    files: { 'daemon/src/intake/a.ts': "import { x } from '../ledger/b.ts';\n" },
    found: ['daemon/src/intake/a.ts:1'],
    instead: 'pipeline.ts',
  },
  {
    rule: 'import map',
    what: 'a stage that imports a backend, by a type, a call and a re-export',
    files: {
      'daemon/src/anchor/a.ts':
        "import type { X } from '../hardware/backends/tpm.ts';\n" +
        "const y = await import('../hardware/backends/tpm.ts');\n" +
        "export * from '../hardware/backends/tpm.ts';\n",
    },
    found: [1, 2, 3].map((line) => `daemon/src/anchor/a.ts:${line}`),
    instead: 'interface in daemon/src/hardware',
  },
  {
    rule: 'import map',
    what: 'a command that imports a stage',
    files: { 'daemon/cli/a.ts': "import { x } from '../src/ledger/b.ts';\n" },
    found: ['daemon/cli/a.ts:1'],
    instead: 'socket',
  },
  {
    rule: 'import map',
    what: 'a runtime module in proof',
    files: { 'daemon/proof/src/a.ts': "import { createHash } from 'node:crypto';\n" },
    found: ['daemon/proof/src/a.ts:1'],
    instead: 'parameter',
  },
  {
    rule: 'import map',
    what: 'a stage that imports the native façade without being named for it',
    files: { 'daemon/src/rules/a.ts': "import { x } from '@kudurru/native';\n" },
    found: ['daemon/src/rules/a.ts:1'],
    instead: 'rules may import: proof, base, hardware',
  },
  {
    rule: 'import map',
    what: 'a path into a package',
    files: { 'daemon/src/ledger/a.ts': "import { x } from '../../proof/src/b.ts';\n" },
    found: ['daemon/src/ledger/a.ts:1'],
    instead: '@kudurru/proof',
  },
  {
    rule: 'import map',
    what: 'a package that its zone does not name',
    files: { 'daemon/agent/src/a.ts': "import x from 'left-pad/deep';\n" },
    found: ['daemon/agent/src/a.ts:1'],
    instead: 'zones.ts',
  },
  {
    rule: 'import map',
    what: 'a runtime module without its scheme',
    files: { 'daemon/src/base/a.ts': "import { join } from 'path';\n" },
    found: ['daemon/src/base/a.ts:1'],
    instead: 'node:path',
  },
  {
    rule: 'import map',
    what: 'a file without a zone',
    files: { 'daemon/src/new/a.ts': '' },
    found: ['daemon/src/new/a.ts:1'],
    instead: 'zones.ts',
  },
  {
    rule: 'file sizes',
    what: 'files one line too long',
    files: {
      'daemon/src/base/a.ts': lines(401),
      'native/src/core/a.cpp': lines(501),
      'native/src/core/a.h': lines(151),
    },
    found: ['daemon/src/base/a.ts:401', 'native/src/core/a.cpp:501', 'native/src/core/a.h:151'],
  },
  {
    rule: 'line lengths',
    what: 'a line of 101 characters',
    files: { 'daemon/src/base/a.ts': `\n// ${'x'.repeat(98)}\n` },
    found: ['daemon/src/base/a.ts:2'],
  },
  {
    rule: 'C++ function sizes',
    what: 'a function of 61 lines, beside a table and a class that are longer',
    files: {
      'native/src/core/a.cpp':
        `namespace kudurru {\nconst int kTable[] = {\n${lines(90, '  1,')}};\n` +
        `class Long {\n${lines(90, '  void f();')}};\n` +
        `int declared(int one,\n             int two);\n` +
        `int shortOne() { return 1; }\n` +
        `int longOne(int one,\n            int two) {\n${lines(58, '  one += two;')}}\n}\n`,
    },
    found: ['native/src/core/a.cpp:189'],
  },
  {
    rule: 'hardware interfaces',
    what: 'an interface with six methods, and one of 61 lines',
    files: {
      'daemon/src/hardware/a.ts': `interface A {\n${lines(6, '  call(x: number): void;')}}\n`,
      'daemon/src/hardware/b.ts': lines(61),
    },
    found: ['daemon/src/hardware/a.ts:1', 'daemon/src/hardware/b.ts:61'],
  },
  {
    rule: 'file names',
    what: 'names in another case, and names that say nothing',
    files: {
      'daemon/src/base/errorCodes.ts': '',
      'native/src/core/tree_hash.cpp': '',
      'daemon/src/ledger/tile-utils.ts': '',
      'native/src/common/a.h': '',
    },
    found: [
      'daemon/src/base/errorCodes.ts:1',
      'native/src/core/tree_hash.cpp:1',
      'daemon/src/ledger/tile-utils.ts:1',
      'native/src/common/a.h:1',
    ],
  },
  {
    rule: 'orphans',
    what: 'files that nothing imports, or tests alone, and a header that nothing includes',
    files: {
      'daemon/src/main.ts': "import './compose.ts';\nfork('./worker.ts');\n",
      'daemon/src/compose.ts': '',
      'daemon/src/worker.ts': '',
      'daemon/src/left.ts': "import './compose.ts';\n",
      'daemon/src/tested.ts': '',
      'daemon/test/tested.test.ts': "import '../src/tested.ts';\n",
      'native/src/core/a.cpp': '#include "core/b.h"\n',
      'native/src/core/b.h': '',
      'native/src/core/c.h': '',
    },
    found: ['daemon/src/left.ts:1', 'daemon/src/tested.ts:1', 'native/src/core/c.h:1'],
  },
  ...bannedCall('daemon/src/base/a.ts', 'const x = Math.random();', 'node:crypto'),
  ...bannedCall('daemon/src/ledger/a.ts', 'const x = Date.now();', 'clock'),
  ...bannedCall('daemon/src/intake/a.ts', 'const x = new Date();', 'clock'),
  ...bannedCall('daemon/proof/src/a.ts', 'const x = Date.now();', 'parameter'),
  ...bannedCall('daemon/proof/src/a.ts', 'const x = Buffer.from(y);', 'Uint8Array'),
  ...bannedCall('daemon/src/ledger/a.ts', 'process.exit(1);', 'KudurruError'),
  ...bannedCall('daemon/src/ledger/a.ts', "console.log('x');", 'log'),
  ...bannedCall('daemon/src/base/a.ts', 'const x = y as any;', 'unknown'),
  ...bannedCall('daemon/src/base/a.ts', 'function f(x: any): void {}', 'unknown'),
  ...bannedCall('daemon/src/base/a.ts', 'try { f(); } catch {}', 'code'),
  ...bannedCall('daemon/src/base/a.ts', 'try { f(); } catch (e) { /* no */ }', 'code'),
  ...bannedCall('daemon/src/base/a.ts', 'f().catch(() => {});', 'code'),
  ...bannedCall('daemon/src/base/a.ts', "const x = require('x');", 'import'),
  ...bannedCall('daemon/src/base/a.ts', "eval('1');", 'code'),
  ...bannedCall('daemon/test/a.test.ts', "it.only('x', f);", 'run it'),
  ...bannedCall('daemon/src/base/a.ts', '// @ts-expect-error', 'satisfy'),
  ...bannedCall('daemon/src/base/a.ts', '// oxlint-disable-next-line', 'satisfy'),
  ...bannedCall('native/src/core/a.cpp', 'strcpy(a, b);', 'std::string'),
  ...bannedCall('native/src/core/a.cpp', 'int x = rand();', 'randombytes_buf'),
  ...bannedCall('native/src/core/a.cpp', 'gettimeofday(&now, nullptr);', 'clock_gettime'),
  ...bannedCall('native/src/core/a.cpp', 'std::cout << x;', 'status'),
  ...bannedCall('native/src/core/a.cpp', '#include <napi.h>', 'src/binding'),
  ...bannedCall('native/src/core/a.cpp', 'try { f(); } catch (...) {}', 'status'),
  ...bannedCall('native/src/core/a.cpp', 'using namespace std;', 'names'),
  {
    rule: 'error codes',
    what: 'rows that are not sorted',
    files: {
      'daemon/src/base/errors.ts': table(row('b') + row('a')),
      'daemon/src/time/a.ts': "f('b');\n",
      'daemon/src/time/b.ts': "f('a');\n",
    },
    found: ['daemon/src/base/errors.ts:7'],
    instead: 'sorted',
  },
  {
    rule: 'error codes',
    what: 'a row without a comment',
    files: { 'daemon/src/base/errors.ts': table("  'a': {\n  },\n"), ...thrower },
    found: ['daemon/src/base/errors.ts:2'],
    instead: 'where it comes from',
  },
  {
    rule: 'error codes',
    what: 'a row that nothing throws',
    files: { 'daemon/src/base/errors.ts': table(row('a') + row('b')), ...thrower },
    found: ['daemon/src/base/errors.ts:7'],
    instead: 'remove',
  },
  {
    rule: 'error codes',
    what: 'a thrown code without a row',
    files: {
      'daemon/src/base/errors.ts': table(row('a')),
      ...thrower,
      'daemon/src/time/b.ts': "\nthrow wrapError('b', 'x', cause);\n",
    },
    found: ['daemon/src/time/b.ts:2'],
    instead: 'errors.ts',
  },
  {
    rule: 'snippets',
    what: 'a block that differs from its file, and one whose file is missing',
    files: {
      'daemon/agent/README.md':
        '<!-- from: test/a.ts -->\n```ts\none\n```\n' +
        '<!-- from: test/a.ts -->\n```ts\ntwo\n```\n' +
        '<!-- from: test/b.ts -->\n```ts\none\n```\n',
      'daemon/agent/test/a.ts': 'one\n',
    },
    found: ['daemon/agent/README.md:5', 'daemon/agent/README.md:9'],
  },
  {
    rule: 'layout',
    what: 'a new folder at the top',
    files: { 'scripts/a.ts': '', '.ci/run': '', 'daemon/cli/a.ts': '' },
    found: ['scripts/a.ts:1'],
  },
  {
    rule: 'machine paths',
    what: 'paths of one machine, in any text',
    files: {
      'README.md': 'in /root/x\n',
      'daemon/a.json': '"\n/home/me/x"',
      'daemon/src/b.ts': "'/srv/home/x';\n",
    },
    found: ['README.md:1', 'daemon/a.json:2'],
  },
  {
    rule: 'leftover marks',
    what: 'marks in code, apologies in comments and documents',
    files: {
      'daemon/src/a.ts': "f('TODO');\nf('for now');\n// for now\n",
      'README.md': '\nThis is a placeholder.\n',
    },
    found: ['daemon/src/a.ts:1', 'daemon/src/a.ts:3', 'README.md:2'],
  },
];

function bannedCall(path: string, text: string, instead: string): Planted[] {
  const what = `'${text}' in ${path}`;
  return [{ rule: 'banned calls', what, files: { [path]: text }, found: [`${path}:1`], instead }];
}

describe('tidy', () => {
  const checkout = readCheckout();
  for (const [name, rule] of Object.entries(RULES)) {
    it(`this checkout keeps the rule: ${name}`, () => {
      const findings = rule(checkout).map(
        ({ path, line, problem, instead }) => `${path}:${line}: ${problem}; instead: ${instead}`,
      );
      assert.equal(findings.length, 0, `\n${findings.join('\n')}`);
    });
  }

  for (const { rule, what, files, found, instead } of PLANTED) {
    it(`${rule}: finds ${what}`, () => {
      const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
      const findings = RULES[rule]?.(sources) ?? [];
      assert.deepEqual(
        findings.map(({ path, line }) => `${path}:${line}`),
        found,
      );
      assert.ok(findings.every((finding) => finding.problem !== '' && finding.instead !== ''));
      if (instead !== undefined) assert.match(findings[0]?.instead ?? '', new RegExp(instead));
    });
  }

  it('has a planted violation for every rule', () => {
    const planted = new Set(PLANTED.map(({ rule }) => rule));
    assert.deepEqual(
      Object.keys(RULES).filter((rule) => !planted.has(rule)),
      [],
    );
  });

  it('lets C++ catch and do nothing where it says why', () => {
    const text = 'try {\n} catch (const Error&) {\n  // Nobody is left.\n}\n';
    assert.deepEqual(RULES['banned calls']?.([{ path: 'native/src/binding/a.cpp', text }]), []);
  });

  it('lets through what only looks like a violation', () => {
    const text = [
      "import { x } from './b.ts'; // import { y } from '../ledger/c.ts'",
      "const bytes = Buffer.from('ledger', 'hex');",
      "log('Math.random() and console.log(), as any');",
      '/* process.exit(1) */ const company = { many: 1 };',
    ].join('\n');
    const sources = [{ path: 'daemon/src/intake/a.ts', text }];
    for (const rule of ['import map', 'banned calls'] as const) {
      assert.deepEqual(RULES[rule]?.(sources), []);
    }
  });
});

describe('comment width', () => {
  const words = (count: number): string => 'word '.repeat(count).trim();
  const broken = (text: string): string => breakWideComments('a.ts', text);

  it('fills a paragraph that holds too wide a line', () => {
    assert.equal(
      broken(`// ${words(20)}\n// ${words(2)}\nx();\n`),
      `// ${words(19)}\n// ${words(3)}\nx();\n`,
    );
  });

  it('gives a wide comment of one line an opening of its own', () => {
    assert.equal(broken(`  /** ${words(20)} */\n`), `  /**\n   * ${words(19)}\n   * word\n   */\n`);
  });

  it('leaves lists, indented text, code and narrow comments as they are', () => {
    const text = [
      `// ${words(3)}`,
      '// word',
      ` * ${words(20)}`,
      `const x = '// ${words(20)}';`,
      '/**',
      ' * - one',
      ' * - two',
      ` *     ${words(20)}`,
      ' */',
    ].join('\n');
    assert.equal(broken(text), text);
  });
});

describe('scan', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['a.ts', "f('x // y'); // z", "f('      ');     "],
    ['a.ts', 'f(`a ${g(`b`, {c})} d`) + e', 'f(`   {g(` `, {c})}  `) + e'],
    ['a.ts', 'x = /[/"]\\//.test(y) / 2;', 'x = /      /.test(y) / 2;'],
    ['a.ts', "f('it\\'s', \"q\") /* 'c' */;", 'f(\'     \', " ")          ;'],
    ['a.cpp', "x = 1'000'000; c = '\"'; y();", "x = 1'000'000; c = ' '; y();"],
    ['a.cpp', 'f(R"x(a ")" b)x"); g();', 'f(R            "); g();'],
    ['a.cpp', 'x = a / b; // c', 'x = a / b;     '],
  ];
  for (const [path, text, expected] of cases) {
    it(`keeps the code of ${text}`, () => assert.equal(scan(path, text).code, expected));
  }

  it('gives the comments, in their places', () => {
    const { comments } = scan('a.ts', "x('//'); // y\n/* z\n*/ w");
    assert.equal(comments, '         // y\n/* z\n*/  ');
  });
});
