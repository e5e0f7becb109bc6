import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SchemaName } from '../crds/schema/data-store.ts'

/** What was specified, by database: names, and the columns of each table. */
const specified: Partial<Record<SchemaName, { names: string[]; columns: Record<string, string> }>> = {
  geolocation: {
    names: [
      'postgis',
      'postgis_topology',
      'locations_coordinates_idx',
      'idx_locations_coordinates',
      'idx_locations_city',
      'idx_locations_country',
      'distance_calculations_unique',
      'idx_distance_calculations_origin',
      'idx_distance_calculations_destination',
      'idx_distance_calculations_expires',
      'user_location_preferences_unique',
      'idx_user_location_preferences_user',
      'idx_user_location_preferences_type',
      'calculate_distance_km',
      'find_nearby_locations',
    ],
    columns: {
      locations:
        'location_id formatted_address street_number street_name city region country country_code postal_code coordinates geocoding_accuracy geocoding_source place_types timezone geocoded_at cache_expires_at created_at',
      distance_calculations:
        'calculation_id origin_location_id destination_location_id straight_line_distance_km driving_distance_km driving_time_minutes public_transport_time_minutes walking_time_minutes cycling_time_minutes route_polyline traffic_info toll_info calculation_source calculated_at cache_expires_at',
      user_location_preferences:
        'preference_id user_id location_id location_type max_commute_distance_km max_commute_time_minutes transport_modes is_flexible created_at updated_at',
    },
  },
  temporal: {
    names: [
      'timescaledb',
      'idx_availability_patterns_user_time',
      'idx_availability_patterns_type',
      'idx_availability_patterns_dow',
      'hourly_availability_stats',
      'daily_scheduling_metrics',
    ],
    columns: {
      availability_patterns:
        'availability_id user_id timestamp availability_type day_of_week start_time end_time timezone flexibility_minutes priority recurring notes created_by',
      job_schedules:
        'schedule_id job_id timestamp schedule_type start_time end_time days_of_week timezone flexibility_level remote_work_percentage shift_name shift_rotation_days',
      interview_slots:
        'slot_id timestamp recruiter_id candidate_id job_id slot_start slot_end slot_type status meeting_url meeting_location preparation_time_minutes booked_at booked_by cancellation_reason',
      temporal_analytics: 'metric_id timestamp metric_type entity_type entity_id value unit dimensions',
    },
  },
  vault: { names: ['app.encryption_key'], columns: {} },
}

const page = readFileSync(join(import.meta.dirname, '../docs/reference/specification-coverage.md'), 'utf8')
const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** The rows of a database's tables of so many columns. */
function rowsOf(schema: string, cells: number): string[][] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${schema}\n`)) ?? ''
  return section
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
    .filter((row) => row.length === cells && !['specified', 'entry'].includes(row[0] ?? ''))
}

describe.each(Object.entries(specified))('%s', (schema, { names: single, columns }) => {
  const rows = rowsOf(schema, 3)
  const golden = readFileSync(join(import.meta.dirname, schema, 'schema.golden.sql'), 'utf8')

  test('has a row for everything that was specified, and no empty cell', () => {
    const listed = rows.flatMap(([cell = '']) => names(cell))
    const wanted = [
      ...single,
      ...Object.entries(columns).flatMap(([table, list]) => [
        table,
        ...list.split(' ').map((column) => `${table}.${column}`),
      ]),
    ]
    expect(wanted.filter((name) => !listed.includes(name))).toEqual([])
    expect(rows.filter((row) => row.includes(''))).toEqual([])
  })

  test('names only what is there', () => {
    const isThere = (name: string) => {
      const [table, column] = name.split('.')
      if (column === undefined) return new RegExp(`\\b${name}\\b`).test(golden)
      const body = new RegExp(`CREATE TABLE public\\.${table} \\(([\\s\\S]*?)\\n\\)`).exec(golden)?.[1] ?? ''
      return new RegExp(`^ +"?${column}"? `, 'm').test(body)
    }
    const now = rows.flatMap(([, cell = '']) => names(cell))
    expect(now.length).toBeGreaterThan(single.length)
    expect(now.filter((name) => !isThere(name))).toEqual([])
  })

  test('is proven by tests that exist', () => {
    const files = rowsOf(schema, 2).flatMap(([, cell = '']) => names(cell))
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((file) => !existsSync(join(import.meta.dirname, file)))).toEqual([])
  })
})
