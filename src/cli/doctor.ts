/** `tsrun doctor` */
import { examineHost, type Examination, type Finding } from '../index.js';
import type { Invocation } from './invocation.js';
import { escapeControl, painter, renderJson, type Paint, type Style } from './output.js';

const styles: Readonly<Record<Finding['ok'], Style>> = { yes: 'green', no: 'red', partly: 'yellow' };

/** 1 when a default run would fail here. */
export async function run({ flags, stdout, env }: Invocation): Promise<number> {
  const examination = await examineHost();
  const { ready, findings } = examination;
  stdout.write(flags.json === true ? renderJson({ ready, findings }) : renderExamination(examination, painter(stdout, env)));
  return ready ? 0 : 1;
}

export function renderExamination({ ready, findings }: Pick<Examination, 'ready' | 'findings'>, paint: Paint): string {
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  const lines = findings.flatMap((finding) => renderFinding(finding, width, paint));
  const lacks = findings.filter(({ ok }) => ok !== 'yes').length;
  const blocking = findings.flatMap((finding) => (finding.ok !== 'yes' && finding.blocks === true ? [finding.topic] : []));
  const verdict = ready
    ? paint('green', 'a default run works here') + (lacks === 0 ? '' : `; ${lacks} of ${findings.length} things are not as they could be`)
    : `${paint('red', 'a default run fails here')} because of: ${blocking.join(', ')}`;
  return [...lines, '', verdict, ''].join('\n');
}

function renderFinding(finding: Finding, width: number, paint: Paint): string[] {
  const mark = paint(styles[finding.ok], finding.ok.padEnd(6));
  const head = `${mark}  ${finding.topic.padEnd(width)}  ${escapeControl(finding.text)}`;
  if (finding.ok === 'yes') return [head];
  const indent = ' '.repeat(8 + width + 2);
  return [head, `${indent}${paint('dim', 'costs ')} ${escapeControl(finding.cost)}`, `${indent}${paint('dim', 'remedy')} ${escapeControl(finding.remedy)}`];
}
