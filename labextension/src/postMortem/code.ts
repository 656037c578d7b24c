/** The Python that stands in a run at a bar: for the notebook that shows it, and for a new one. */

import type { IBacktest } from '../api/types.js';
import { literal } from '../pythonLiteral.js';
import type { IHeader } from '../result/payload.js';

const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const RUN_ID = /^[0-9a-f]{8,64}$/;

/**
 * The code that stands in a result's run at a bar; `null` where there is none.
 *
 * A result in a stored notebook may be anybody's. So the code is written here, of names and plain values alone, and
 * nothing of the result is run as it is.
 */
export function codeAt(header: IHeader, at: string): string | null {
  const found = header.replay;
  if (!found) {
    return null;
  }
  if (typeof found.result === 'string') {
    return RUN_ID.test(found.result)
      ? `al.find_result(${literal(found.result)}).replay(at=${literal(at)})`
      : null;
  }
  const options = Object.entries(found.options ?? {});
  if (!NAME.test(found.strategy ?? '') || !options.every(([name]) => NAME.test(name))) {
    return null;
  }
  const given = [['data', found.data], ...options, ['at', at]];
  return `al.replay(${found.strategy}, ${given.map(([name, value]) => `${name}=${literal(value)}`).join(', ')})`;
}

/** A time of the server as `at=` takes it: `2008-09-15 20:00`, in UTC. */
export function barText(time: string): string {
  return time
    .replace('T', ' ')
    .replace(/(Z|\+00:00)$/, '')
    .replace(/^([^ ]+ \d\d:\d\d):00$/, '$1');
}

/** Amounts come as texts, so that no reader rounds them; costs are numbers in Python. */
function cost(given: unknown): unknown {
  if (typeof given === 'string') {
    return Number(given);
  }
  if (Array.isArray(given)) {
    return given.map(cost);
  }
  if (typeof given === 'object' && given !== null) {
    const parts = Object.entries(given)
      .map(([name, part]): [string, unknown] => [name, cost(part)])
      .filter(([, part]) => part !== null && part !== 0 && !(Array.isArray(part) && part.length === 0));
    return parts.length > 0 ? Object.fromEntries(parts) : 0;
  }
  return given;
}

/** The call that replays a run of the server, with all that it was asked with. */
export function replayCall(
  run: IBacktest,
  at: string,
  parameters: Record<string, unknown> = run.parameters ?? {}
): string {
  const given: [string, unknown][] = [
    ['data', run.dataset_name],
    ['at', at],
    ['start', run.start_date?.slice(0, 10)],
    ['end', run.end_date?.slice(0, 10)],
    ['cash', cost(run.initial_capital)],
    ['commission', cost(run.commission)],
    ['slippage', cost(run.slippage)],
    ['profile', run.profile === 'default' ? null : run.profile],
    ['benchmark', run.benchmark],
    ['features', Object.keys(run.features ?? {}).length > 0 ? run.features : null],
    ['reference', run.reference],
    ['params', Object.keys(parameters).length > 0 ? parameters : null],
    ['seed', run.seed || null],
    ['risk_free_rate', run.risk_free_rate || null]
  ];
  const known = given.filter(([, value]) => value !== null && value !== undefined);
  const rules = Object.entries(run.rules ?? {});
  const lines = [
    `    ${run.class_name},`,
    ...[...known, ...rules].map(([name, value]) => `    ${name}=${literal(value)},`)
  ];
  return `replay = al.replay(\n${lines.join('\n')}\n)\nreplay`;
}

/** The notebook of a run: its stored source, then the replay. */
export function replayNotebook(
  source: string,
  call: string,
  kernel: string,
  newId: () => string
): object {
  const cell = (text: string): object => ({
    cell_type: 'code',
    id: newId(),
    metadata: {},
    execution_count: null,
    outputs: [],
    source: text
  });
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: kernel, display_name: 'Alphintra', language: 'python' },
      language_info: { name: 'python' }
    },
    cells: [cell(source), cell(`import alphintra as al\n\n${call}`)]
  };
}
