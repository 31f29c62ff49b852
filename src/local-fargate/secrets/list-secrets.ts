import { z } from 'zod';
import { type Operation, operation } from '../protocol/operation.ts';
import { paginate } from '../protocol/paging.ts';
import type { StoredSecret } from './secret.ts';
import type { SecretStore } from './secret-store.ts';
import { listView } from './secret-view.ts';

const filter = z.object({
  Key: z.enum(['all', 'name', 'description', 'tag-key', 'tag-value', 'primary-region', 'owning-service']),
  Values: z.array(z.string()).min(1).max(10),
});
type Filter = z.output<typeof filter>;

export function listSecrets(store: SecretStore): Operation {
  return operation(
    'ListSecrets',
    z.object({
      IncludePlannedDeletion: z.boolean().default(false),
      MaxResults: z.number().int().min(1).max(100).default(100),
      NextToken: z.string().optional(),
      Filters: z.array(filter).max(10).default([]),
      SortOrder: z.enum(['asc', 'desc']).default('desc'),
    }),
    (input) => {
      const matching = store
        .all()
        .filter((secret) => input.IncludePlannedDeletion || secret.deletedAtMs === undefined)
        .filter((secret) => input.Filters.every((it) => matches(secret, it)))
        .toSorted((a, b) =>
          input.SortOrder === 'asc' ? a.createdAtMs - b.createdAtMs : b.createdAtMs - a.createdAtMs,
        );
      const page = paginate(matching, ({ name }) => name, { nextToken: input.NextToken, maxResults: input.MaxResults });
      return {
        SecretList: page.items.map(listView),
        ...(page.nextToken === undefined ? {} : { NextToken: page.nextToken }),
      };
    },
  );
}

/** Whether one of the filter's values is met; `!` before a value denies it. */
function matches(secret: StoredSecret, { Key, Values }: Filter): boolean {
  const texts = textsOf(secret, Key);
  return Values.some((value) =>
    value.startsWith('!') ? !begins(texts, { value: value.slice(1), Key }) : begins(texts, { value, Key }),
  );
}

/** Names and tags are compared by their beginning, with case; descriptions and everything without. */
function begins(texts: readonly string[], { value, Key }: { readonly value: string; readonly Key: string }): boolean {
  if (Key !== 'description' && Key !== 'all') return texts.some((text) => text.startsWith(value));
  return texts.some((text) => text.toLowerCase().includes(value.toLowerCase()));
}

function textsOf(secret: StoredSecret, key: Filter['Key']): readonly string[] {
  const keys = secret.tags.map((tag) => tag.Key);
  const values = secret.tags.map((tag) => tag.Value);
  switch (key) {
    case 'name':
      return [secret.name];
    case 'description':
      return [secret.description ?? ''];
    case 'tag-key':
      return keys;
    case 'tag-value':
      return values;
    case 'all':
      return [secret.name, secret.description ?? '', ...keys, ...values];
    case 'primary-region':
    case 'owning-service':
      return [];
  }
}
