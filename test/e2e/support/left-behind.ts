import { execFileSync } from 'node:child_process';

/** What the engine still holds of a lab: containers, networks and volumes by name. */
export function leftBehind(lab: string): readonly string[] {
  const filter = ['--filter', `label=dev.weft.lab=${lab}`];
  return [['ps', '--all', '--format', '{{.Names}}'], ['network', 'ls', '--format', '{{.Name}}'], ['volume', 'ls', '--format', '{{.Name}}']]
    .flatMap(([...command]) => execFileSync('docker', [...command, ...filter], { encoding: 'utf8' }).split('\n').filter((name) => name !== ''));
}
