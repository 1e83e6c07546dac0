/** Names of code files and folders: kebab-case, and words that say something. */
import { code, perSource, type Finding, type Rule } from './source.ts';

const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const saysNothing = /^(?:utils?|helpers?|common|managers?|misc|stuff|lib2)$/;

export const fileNames: Rule = perSource(code, ({ path }) =>
  path.split('/').flatMap((part): Finding[] => {
    const stem = part.replace(/(?:\.test|\.d)?\.(?:ts|mjs|c|cpp|h)$/, '').replace(/^\./, '');
    if (!kebabCase.test(stem)) {
      const instead = 'write it in kebab-case';
      return [{ path, line: 1, problem: `name '${part}' is not in kebab-case`, instead }];
    }
    const empty = stem.split('-').find((word) => saysNothing.test(word));
    if (empty === undefined) return [];
    const instead = 'name it after what it does';
    return [{ path, line: 1, problem: `name '${part}' says '${empty}'`, instead }];
  }),
);
