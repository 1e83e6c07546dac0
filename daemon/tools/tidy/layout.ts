/** The top level of the house is fixed; what is new has a place inside. */
import type { Finding, Rule } from './source.ts';

const topLevel = new Set([
  'LICENSE',
  'README.md',
  'daemon',
  'hwtest',
  'images',
  'native',
  'package-lock.json',
  'package.json',
  'systemd',
  'tsconfig.base.json',
]);

export const layout: Rule = (sources) =>
  sources.flatMap(({ path }): Finding[] => {
    const top = path.split('/')[0] ?? '';
    if (top.startsWith('.') || topLevel.has(top)) return [];
    const problem = `'${top}' is not part of the top level`;
    return [{ path, line: 1, problem, instead: `put it into one of ${[...topLevel].join(', ')}` }];
  });
