/** Commission and slippage: a fraction, or all the terms that an order may be charged by. */

import type { IComplaint } from './complaints.js';

export const COMMISSION_TERMS = [
  'per_share',
  'minimum',
  'maximum',
  'fixed',
  'maker',
  'taker',
  'maximum_percent',
  'tiers'
] as const;
export const SLIPPAGE_TERMS = ['fixed', 'spread', 'volume_share'] as const;

export type CommissionTerm = (typeof COMMISSION_TERMS)[number];
export type SlippageTerm = (typeof SLIPPAGE_TERMS)[number];

type Tier = [number | null, number];

/** As the server takes it: a fraction, or terms. */
export type Cost = number | Record<string, number | Tier[]>;

const FRACTIONS: ReadonlySet<string> = new Set(['maker', 'taker', 'maximum_percent']);

function isFraction(value: number): boolean {
  return value >= 0 && value < 1;
}

function numberOf(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

/** Read `10000: 0.001, 50000: 0.0008, 0.0005`: bounds in money that rise, and the fraction below each. */
export function readTiers(text: string): Tier[] | null {
  const parts = text.split(',').filter(part => part.trim() !== '');
  const tiers = parts.map((part): Tier => {
    const sides = part.split(':');
    return sides.length === 1
      ? [null, numberOf(part)]
      : [numberOf(sides[0]!), sides.length === 2 ? numberOf(sides[1]!) : NaN];
  });
  const good = tiers.every(([bound, fraction], i) => {
    const before = i === 0 ? 0 : (tiers[i - 1]![0] ?? Infinity);
    return isFraction(fraction) && (bound === null ? i === tiers.length - 1 : bound > before);
  });
  return good && tiers.length > 0 ? tiers : null;
}

/** Read a fraction and the terms beside it; terms that are left empty are not charged. */
export function readCost(
  name: 'commission' | 'slippage',
  percent: string,
  terms: Record<string, string>,
  complaints: IComplaint[]
): Cost {
  const fraction = numberOf(percent);
  if (!isFraction(fraction)) {
    complaints.push({ field: name, kind: 'fraction' });
  }
  const read: Record<string, number | Tier[]> = {};
  for (const term of name === 'commission' ? COMMISSION_TERMS : SLIPPAGE_TERMS) {
    const text = (terms[term] ?? '').trim();
    if (text === '') {
      continue;
    }
    const field = `${name}.${term}`;
    if (term === 'tiers') {
      const tiers = readTiers(text);
      if (tiers === null) {
        complaints.push({ field, kind: 'tiers' });
      }
      read[term] = tiers ?? [];
      continue;
    }
    const value = Number(text);
    if (FRACTIONS.has(term) ? !isFraction(value) : !(value >= 0 && Number.isFinite(value))) {
      complaints.push({ field, kind: FRACTIONS.has(term) ? 'fraction' : 'amount' });
    }
    read[term] = value;
  }
  return Object.keys(read).length === 0 ? fraction : { percent: fraction, ...read };
}
