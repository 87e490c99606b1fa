import type { EchoFigures } from './echo.ts';
import type { Environment } from './environment.ts';

/** What a run measured: the contents of `figures.json`. */
export interface Figures {
  environment: Environment;
  rounds: number;
  /** ms per measurement */
  measure: number;
  echo?: EchoFigures[];
}
