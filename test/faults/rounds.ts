/** How many rounds of each fault: EVENKEEL_ROUNDS, or as many as the promise is made for. */
const { EVENKEEL_ROUNDS: given } = process.env;

export function rounds(usual: number): number {
  return given === undefined ? usual : Math.min(usual, Number(given));
}
