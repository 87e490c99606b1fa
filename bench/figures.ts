import type { EchoFigures } from './echo.ts';
import type { Environment } from './environment.ts';
import type { IdleFigures } from './idle.ts';
import type { PiFigures } from './pi.ts';
import type { PickFigures } from './picks.ts';

/** What a run measured: the contents of `figures.json`. What was left out is not there. */
export interface Figures {
  environment: Environment;
  rounds: number;
  /** ms per measurement */
  measure: number;
  echo?: EchoFigures[];
  pi?: PiFigures[];
  picks?: PickFigures[];
  idle?: IdleFigures;
}
