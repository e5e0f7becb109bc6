import { AppError } from '../../chassis/errors.ts'
import { decodeCursor, keyChecks, page } from '../../chassis/pagination.ts'
import type { Page } from '../../chassis/pagination.ts'
import { assignments, insertion, selection } from '../../chassis/stores/columns.ts'
import type { Db } from '../../chassis/stores/postgres.ts'
import type { Company, CompanyCreate, CompanyPatch, CompanyQuery } from '../schemas.ts'

const writable = {
  name: 'company_name',
  legalName: 'legal_name',
  industry: 'industry',
  companySize: 'company_size',
  foundedYear: 'founded_year',
  websiteUrl: 'website_url',
  description: 'description',
  contentLanguage: 'content_language',
}
const readable = selection({
  companyId: 'company_id',
  ...writable,
  isVerified: 'is_verified',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
})

/** The recruiter who makes a company becomes its first member, by the database. */
export async function createCompany(db: Db, company: CompanyCreate): Promise<Company> {
  const { text, values } = insertion(writable, company)
  const [created] = await db.query<Company>(`INSERT INTO companies ${text} RETURNING ${readable}`, values)
  if (!created) throw new AppError('FORBIDDEN')
  return created
}

/** @throws AppError NOT_FOUND */
export async function readCompany(db: Db, companyId: string): Promise<Company> {
  const [company] = await db.query<Company>(`SELECT ${readable} FROM companies WHERE company_id = $1`, [companyId])
  if (!company) throw new AppError('NOT_FOUND')
  return company
}

/** @throws AppError NOT_FOUND, or FORBIDDEN when it is there and not the caller's to change */
export async function updateCompany(db: Db, companyId: string, patch: CompanyPatch): Promise<Company> {
  const { text, values } = assignments(writable, patch)
  const sql = `UPDATE companies SET ${text} WHERE company_id = $1 RETURNING ${readable}`
  const [updated] = await db.query<Company>(sql, [companyId, ...values])
  if (updated) return updated
  await readCompany(db, companyId)
  throw new AppError('FORBIDDEN', 'Only members of the company may change it')
}

/** By name. */
export async function listCompanies(db: Db, query: CompanyQuery): Promise<Page<Company>> {
  const { industry = null, companySize = null, limit, cursor } = query
  const list = `companies ${industry ?? ''} ${companySize ?? ''}`
  const [name, companyId] = decodeCursor(list, [keyChecks.text, keyChecks.uuid], cursor) ?? [null, null]
  const rows = await db.query<Company>(
    `SELECT ${readable} FROM companies
      WHERE ($1::text IS NULL OR industry = $1) AND ($2::text IS NULL OR company_size = $2)
        AND ($3::text IS NULL OR (company_name, company_id) > ($3, $4::uuid))
      ORDER BY company_name, company_id
      LIMIT $5`,
    [industry, companySize, name, companyId, limit + 1],
  )
  return page(
    list,
    rows,
    limit,
    (c) => [c.name, c.companyId],
    (c) => c,
  )
}
