import { s } from './dom';
import type { Finding } from './types';

/** How sure a departure is: told apart by shape and by word, colour only helps. */
export const kCertainty: Record<string, { word: string; shape: string; meaning: string }> = {
  certain: { word: 'certain', shape: 'M0-7 7 0 0 7-7 0Z', meaning: 'In every best explanation of what was recorded.' },
  ambiguous: { word: 'ambiguous', shape: 'M0-6.5 6.5 6-6.5 6Z', meaning: 'In some explanations of what was recorded, not in others.' },
  unobserved: { word: 'not observed', shape: 'M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0', meaning: 'Nothing that could have seen this step was recording. That is not the same as omitted.' },
  justified: { word: 'justified', shape: 'M-6-6H6V6H-6Z', meaning: 'A reason was recorded. Shown, never scored.' },
};

export function mark(certainty: string): SVGGElement {
  const look = kCertainty[certainty] ?? kCertainty['ambiguous']!;
  const path = s('path', {
    d: look.shape, stroke: 'currentColor', fill: certainty === 'certain' ? 'currentColor' : 'var(--panel)',
    'stroke-dasharray': certainty === 'unobserved' ? '2.5 2' : 'none',
  });
  const group = s('g', {}, path);
  if (certainty === 'ambiguous') group.append(s('path', { d: 'M0-2V2M0 4V4.6', stroke: 'currentColor', fill: 'none' }));
  if (certainty === 'justified') group.append(s('path', { d: 'M-3 0 -1 3 3-3', stroke: 'currentColor', fill: 'none' }));
  return group;
}

export const isDeparture = (finding: Finding) => finding.kind === 'departure';

const kDeviation: Record<string, string> = {
  missing: 'Not seen', extra: 'Additional', order: 'Out of order', time: 'Longer than agreed',
  unobserved: 'Not observed', justified: 'Justified departure',
};
export const deviationWord = (deviation: string) => kDeviation[deviation] ?? deviation;
