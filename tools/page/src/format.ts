const two = (n: number) => String(n).padStart(2, '0');

/** 75.3 -> "1:15", 4000 -> "1:06:40"; `digits` after the seconds. */
export function time(t: number, digits = 0): string {
  const scale = 10 ** digits;
  let ticks = Math.round(Math.abs(t) * scale);
  const sign = t < 0 && ticks > 0 ? '\u2212' : '';
  const part = ticks % scale;
  ticks = Math.floor(ticks / scale);
  const hours = Math.floor(ticks / 3600);
  const minutes = Math.floor(ticks / 60) % 60;
  const head = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes);
  const tail = digits > 0 ? `.${String(part).padStart(digits, '0')}` : '';
  return `${sign}${head}:${two(ticks % 60)}${tail}`;
}

/** UCUM to what people write. */
export function unit(ucum: string): string {
  const known: Record<string, string> = {
    '1': '', 'mm[Hg]': 'mmHg', 'cm[H2O]': 'cmH\u2082O', '/min': '/min', Cel: '\u00b0C', 'dB[SPL]': 'dB', 'N.cm': 'N cm',
  };
  return known[ucum] ?? ucum;
}

/** "CalotTriangleDissection" -> "Calot triangle dissection" */
export function words(label: string): string {
  const spaced = label.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[-_.]/g, ' ').toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  while (n >= 1000 && i < units.length - 1) { n /= 1000; ++i; }
  return `${n.toFixed(i > 0 && n < 10 ? 1 : 0)} ${units[i]}`;
}

export const shortId = (id: string) => id.slice(0, 8);
export const date = (rfc3339: string | null) => rfc3339 === null ? 'no date' : rfc3339.slice(0, 16).replace('T', ' ') + ' UTC';
/** The 95 % bound of a moment by its two sides, which need not be equally far. */
export const sides = (t: number | null, low: number | null, high: number | null) => {
  if (t === null) return '';
  if (low === null || high === null) return plusMinus(null);
  const before = t - low, after = high - t;
  return Math.abs(before - after) < 0.05 ? plusMinus(Math.max(before, after)) : `\u2212${before.toFixed(1)} to +${after.toFixed(1)} s`;
};
export const plusMinus = (u95: number | null) =>
  u95 === null ? 'no bound can be given' : `\u00b1${u95 < 1 ? u95.toFixed(3) : u95.toFixed(1)} s`;

const kCodecs: [string, string][] = [
  ['avc', 'H.264'], ['hev1', 'HEVC (H.265)'], ['hvc1', 'HEVC (H.265)'], ['av01', 'AV1'], ['vp09', 'VP9'],
  ['mp4v.6c', 'Motion JPEG'], ['mp4v.6a', 'MPEG-1'], ['mp4v.61', 'MPEG-2'], ['mp4v.20', 'MPEG-4'],
];

/** What a video is coded in, by its media type. */
export function codecName(mime: string): string {
  const codec = /codecs="([^"]*)"/.exec(mime)?.[1] ?? '';
  return kCodecs.find(([begin]) => codec.startsWith(begin))?.[1] ?? 'this';
}
