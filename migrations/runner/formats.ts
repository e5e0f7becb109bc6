import { formatOfClickHouse } from './clickhouse-file.ts'
import type { DialectName } from './dialect.ts'
import { formatOfElasticsearch } from './elasticsearch-file.ts'
import type { Format } from './files.ts'
import { formatOfNats } from './nats-file.ts'
import { formatOfPostgres } from './postgres-file.ts'

/** How to read the files of each dialect. */
export const formats: Record<DialectName, Format> = {
  postgres: formatOfPostgres,
  clickhouse: formatOfClickHouse,
  elasticsearch: formatOfElasticsearch,
  nats: formatOfNats,
}
