// The API's documents (docs/api.md). Times are seconds of case time.
export interface CaseRow {
  case_id: string; procedure: string; room: string; start: string | null; duration_s: number; state: string;
  verdict: string; complete: boolean; streams: number; gaps: number;
}
export interface Channel { key: string; name: string; unit: string; rate_hz: number }
export interface Stream {
  stream_id: number; key: string; name: string; kind: string; device: string; clock_id: number; channels: Channel[];
  video?: { codec: string; codec_string: string; width: number; height: number };
  items: string; missing: string; gap_frames: number; unknown_gaps: number; bytes_stored: string;
  first_t_s: number | null; last_t_s: number | null; absent_by_policy?: string;
}
export interface Phase {
  phase: string; level: 'phase' | 'step' | 'mark'; origin: 'human' | 'device' | 'algorithm'; by: string;
  // Times are null where they are withheld.
  start_s: number | null; end_s: number | null; open: boolean;
  start_low_s: number | null; start_high_s: number | null; end_low_s: number | null; end_high_s: number | null;
  finding_id: string;
}
export interface CaseEvent {
  // Null where it is withheld.
  t_s: number | null; u95_s: number | null; kind: string; code: string; stream: string; label?: string;
  value?: string; unit?: string; role?: string; duration_s?: number;
}
export interface Finding {
  id: string; tag: string; kind: string; certainty: string; deviation: string; step: string; text: string;
  // Null where they are withheld.
  t0_s: number | null; t1_s: number | null; values: Record<string, number>; labels: Record<string, string>;
}
export interface Gap {
  stream: string; reason: string; origin: string; first_number: string; last_number: string;
  missing: string; count_unknown: boolean; t0_s: number; t1_s: number;
}
export interface DeviceClock {
  clock_id: number; offset_s: number; rate_ppm: number | null; u95_s: number | null; broken: boolean; sets: number; streams: string[];
}
export interface Case extends Omit<CaseRow, 'streams' | 'gaps'> {
  problems: { kind: string; where: string; detail: string }[];
  readable: boolean; unreadable_reason?: string; alias: string; first_t_s: number; end_s: number;
  start_u95_s: number | null; phase_source: '' | 'annotated' | 'found' | 'marked';
  frames: string; quarantined: number; consent: { stated: boolean; granted: string[] }; streams: Stream[];
  phases: Phase[]; timing_withheld: string[]; events: CaseEvent[]; findings: Finding[]; gaps: Gap[]; clocks: DeviceClock[];
  forecasts: { variable: string; count: number; late: number }[];
}
export interface Series {
  raw: boolean; samples: number; t_s: number[]; min: (number | null)[]; max?: (number | null)[];
}
export interface Samples extends Series { stream: string; channel: string; unit: string }
export interface Forecast { issued_s: number; valid_s: number; value: number; sd: number; late: boolean }
export interface Twin { variable: string; unit: string; forecasts: Forecast[]; forecasts_total: number; observed: Series | null }
export interface Media {
  mime: string; width: number; height: number; fragments: number; bytes: string;
  spans: { t0_s: number; t1_s: number }[];
}
export interface Source {
  stream: string; stream_id: number; epoch: string; first_number: string; last_number: string; t0_s: number;
  t1_s: number; sha256: string; sha256_now: string | null; identical: boolean; problem?: string;
  read_from: string; first_offset: string; last_offset: string;
}
export interface Evidence {
  case_id: string; finding: Finding;
  run: {
    job: string; job_version: string; binary: string; binary_sha256: string; config_sha256: string;
    protocol: string; protocol_sha256: string; seed: string; order_basis: string;
  };
  sources: Source[]; video: { stream: string; t0_s: number; t1_s: number; recorded: boolean }[];
}
