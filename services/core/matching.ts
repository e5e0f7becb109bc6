import type { seniorityLevels } from './schemas.ts'

/**
 * How well a job fits a candidate: 0 to 1, four decimals. The weighted sum of five parts, each 0 to 1:
 *
 *   0.60 coverage   of the required skills' weight, the share whose skill the candidate has; 0 when none is required
 *   0.15 level      like coverage, each skill the candidate has counted by min(1, level / minimum level) × min(1, years / minimum years)
 *   0.10 years      min(1, years of work / years asked); 1 when none are asked
 *   0.10 preferred  of the preferred and nice-to-have skills' weight, the share the candidate has; 1 when there are none
 *   0.05 seniority  1 − steps / 5, the steps from the level the candidate's years stand for up to the one asked; 1 when it is reached or none is asked
 *
 * Only active jobs that have not expired and share at least one skill with the candidate. Equal scores: newest posting first, then id.
 * Skills, levels, years and nothing else: no name, age, date of birth, nationality, gender or place, nor anything derived from them,
 * and more years than a job asks for cost nothing: a rank that fell with them would be one by age.
 * docs/reference/matching.md says the same to users; a test compares the numbers.
 */
export const parts = { coverage: 0.6, level: 0.15, years: 0.1, preferred: 0.1, seniority: 0.05 } as const

/** From how many years of work on each level is meant: 0 entry, 1 junior, 3 mid, 6 senior, 10 lead, 15 executive. */
export const seniorityYears = [0, 1, 3, 6, 10, 15] as const

type Seniority = (typeof seniorityLevels)[number]

/** What a job asks of one skill, and what the candidate has of it (null: nothing). */
export interface SkillFact {
  name: string
  type: 'required' | 'preferred' | 'nice_to_have'
  minimumLevel: number
  minimumYears: number
  level: number | null
  years: number | null
}

export interface MatchFacts {
  skills: SkillFact[]
  experienceYears: number
  experienceRequiredMin: number
  seniorityLevel: Seniority | null
}

/** The match in sentences, most important first. Every one states facts; none is there when it has nothing to say. */
export function reasons(facts: MatchFacts): string[] {
  const required = facts.skills.filter((skill) => skill.type === 'required')
  const optional = facts.skills.filter((skill) => skill.type !== 'required')
  const sentences = [
    covered(required, 'required'),
    missing(required),
    belowAsked(required),
    yearsOf(facts),
    covered(optional, 'preferred'),
    seniorityOf(facts),
  ]
  return sentences.filter((sentence) => sentence !== '')
}

const has = (skill: SkillFact) => skill.level !== null

function covered(skills: SkillFact[], kind: string): string {
  if (skills.length === 0) return ''
  const known = skills.filter(has)
  const names = known.length > 0 ? `: ${enumerate(known.map((skill) => skill.name))}` : ''
  return `${known.length} of ${skills.length} ${kind} skills${names}`
}

function missing(required: SkillFact[]): string {
  const absent = required.filter((skill) => !has(skill))
  return absent.length > 0 ? `missing: ${enumerate(absent.map((skill) => skill.name))}` : ''
}

function belowAsked(required: SkillFact[]): string {
  const known = required.filter(has)
  if (known.length === 0) return ''
  const below = known.flatMap((skill) => shortfall(skill))
  return below.length > 0 ? `below what is asked: ${enumerate(below)}` : 'level and years as asked in each of them'
}

function shortfall({ name, level, years, minimumLevel, minimumYears }: SkillFact): string[] {
  const gaps = [
    (level ?? 0) < minimumLevel ? `level ${level} of ${minimumLevel}` : '',
    (years ?? 0) < minimumYears ? `${years} of ${plural(minimumYears)}` : '',
  ].filter((gap) => gap !== '')
  return gaps.length > 0 ? [`${name} (${gaps.join(', ')})`] : []
}

function yearsOf({ experienceYears, experienceRequiredMin }: MatchFacts): string {
  return experienceRequiredMin > 0 ? `${plural(experienceYears)} of work, ${experienceRequiredMin} asked` : ''
}

function seniorityOf({ seniorityLevel, experienceYears }: MatchFacts): string {
  return seniorityLevel ? `${seniorityLevel} position, ${plural(experienceYears)} of work` : ''
}

const plural = (count: number) => (count === 1 ? '1 year' : `${count} years`)

/** Five names, then a count: a job can ask for dozens of skills. */
function enumerate(names: string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
