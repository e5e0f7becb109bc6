import type { Constraints } from '../chassis/stores/constraints.ts'

/** What a violated constraint of the core database means to whoever sent the body. A test checks the names against the schema. */
// prettier-ignore
export const constraints: Constraints = {
  candidate_profiles_user_id_unique:     ['',                        'there is a profile of yours already'],
  candidate_profiles_user_id_fkey:       ['',                        'the account of this token does not exist'],
  candidate_profiles_user_type:          ['',                        'the account of this token is not a candidate'],
  candidate_profiles_check:              ['/expectedSalaryMax',      'must not be less than expectedSalaryMin'],
  candidate_skills_skill_id_fkey:        ['',                        'there is no such skill'],
  job_postings_company_id_fkey:          ['/companyId',              'there is no such company'],
  job_postings_recruiter_id_fkey:        ['',                        'the account of this token does not exist'],
  job_postings_recruiter_type:           ['',                        'the account of this token is not a recruiter'],
  job_postings_check:                    ['/salaryMax',              'must not be less than salaryMin'],
  job_postings_check1:                   ['/experienceRequiredMax',  'must not be less than experienceRequiredMin'],
  job_required_skills_skill_id_fkey:     ['/requiredSkills',         'names a skill that does not exist'],
  company_members_user_id_fkey:          ['',                        'the account of this token does not exist'],
  company_members_user_type:             ['',                        'the account of this token is not a recruiter'],
}
