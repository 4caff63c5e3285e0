// What the columns of fixes are called, and how their values are written.

import { figure, unitSign } from './format.js';
import { t } from './language.js';

export const VALUES = {
  speed: { unit: 'kilometer-per-hour', factor: 3.6 },
  accuracy: { unit: 'meter', factor: 1 },
  age: { unit: 'second', factor: 1 },
  altitude: { unit: 'meter', factor: 1 },
  battery: { unit: 'percent', factor: 100 },
};

/** Return {title, unit, write(value)} of a column: a known one, or one that the layer was given. */
export function valueOf(name, session) {
  const known = VALUES[name];
  const texts = session.categories[name];
  const unit = known ? unitSign(known.unit) : session.model.get('units')?.[name] ?? '';
  const write = texts ? value => texts[value] ?? '' : value => figure(value * (known?.factor ?? 1));
  return { title: known ? t(`value.${name}`) : name, unit, write };
}
