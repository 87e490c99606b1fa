/** Figures as people read them. */

/** Stands for "there was none". */
export const none = '–';

/** `43 ms`, `1.52 s`; tenths below 10 ms. */
export function time(ms: number | undefined): string {
  if (ms === undefined) return none;
  // Of two clocks that are compared, one may be a moment behind.
  if (ms < 0.05) return '0 ms';
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms >= 10_000 ? 0 : 1)} s`;
  // Tenths only where they say something: nothing here is known better than that.
  return `${ms.toFixed(ms >= 0.05 && ms < 9.95 ? 1 : 0)} ms`;
}

/** `98 %` */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `13,800` */
export function count(value: number | undefined): string {
  return value === undefined ? none : value.toLocaleString('en');
}

/** `46 → 149 → 56 ms` */
export function threeTimes(times: readonly (number | undefined)[]): string {
  return `${times.map((ms) => (ms === undefined ? none : String(Math.round(ms)))).join(' → ')} ms`;
}

/** What tells a server from others where there is little room: of a pod's name the last part. */
export function shortName(server: string): string {
  return server.length > 10 ? server.replace(/^.*-/, '') : server;
}

/** Text for HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
