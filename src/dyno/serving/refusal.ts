/** Why a connection was refused, as Heroku's router has it in the log (Dev Center, "Error codes"). */

/** H19 is a dyno that does not answer, H21 one that does not listen, H22 a limit of ours. */
export type RefusalCode = 'H10' | 'H14' | 'H19' | 'H20' | 'H21' | 'H22';

const reasons: Readonly<Record<RefusalCode, (type: string) => string>> = {
  H10: () => 'App crashed',
  H14: (type) => `No ${type} processes running`,
  H19: () => 'Backend connection timeout',
  H20: () => 'App boot timeout',
  H21: () => 'Backend connection refused',
  H22: () => 'Connection limit reached',
};

/** `at=error code=H14 desc="No web processes running" fwd="192.0.2.1" dyno= `; what only HTTP has (method, path, status) is not there. */
export function refusalLine(code: RefusalCode, type: string, from: string, dyno = ''): string {
  return `at=error code=${code} desc="${reasons[code](type)}" fwd="${from}" dyno=${dyno}`;
}
