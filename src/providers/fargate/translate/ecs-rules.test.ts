import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkDefinition } from '../../../local-fargate/ecs/definition-rules.ts';
import { checkForFargate } from '../../../local-fargate/ecs/fargate-rules.ts';
import { registerTaskDefinitionSchema } from '../../../local-fargate/ecs/task-definition.ts';

const folder = join(import.meta.dirname, 'testdata');

for (const file of readdirSync(folder).filter((name) => name.endsWith('.output.json'))) {
  const { definition } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { definition?: unknown };
  if (definition === undefined) continue;
  test(`ECS takes the definition of ${file.replace('.output.json', '').replaceAll('-', ' ')}`, () => {
    const input = registerTaskDefinitionSchema.parse(definition);
    checkDefinition(input);
    checkForFargate(input, { allowTmpfs: true });
  });
}
