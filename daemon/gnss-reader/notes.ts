/** What the reader says of its line: of what goes wrong, once until it is over. */
import { readBracket } from '@kudurru/native';
import type { TimeNoteCode, TimeRecordWriter } from '@kudurru/proof';

export class Notes {
  readonly #records: Pick<TimeRecordWriter, 'note'>;
  #trouble: TimeNoteCode | null = null;

  constructor(records: Pick<TimeRecordWriter, 'note'>) {
    this.#records = records;
  }

  /** What is going wrong now. */
  get trouble(): TimeNoteCode | null {
    return this.#trouble;
  }

  say(code: TimeNoteCode, message: string, bytes?: Uint8Array): void {
    const { rawBeforeNs, valueNs, rawAfterNs } = readBracket('realtime', 1);
    const at = { rawBeforeNs, rawAfterNs, clockNs: valueNs };
    this.#records.note(code, bytes === undefined ? { message, at } : { message, at, bytes });
  }

  sayTrouble(code: TimeNoteCode, message: string): void {
    if (this.#trouble === code) return;
    this.#trouble = code;
    this.say(code, message);
  }

  /** Of this trouble; nothing is said where it is another. */
  sayOver(code: TimeNoteCode, message: string): void {
    if (this.#trouble !== code) return;
    this.#trouble = null;
    this.say('back', message);
  }
}
