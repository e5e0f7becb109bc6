-- The states that postings and applications went through, one row each time the status changes; the current row holds the last. It
-- lives as long as what it tells of.

CREATE TABLE aggregate_events (
  aggregate_type VARCHAR(50) NOT NULL CHECK (aggregate_type IN ('job', 'application')),
  aggregate_id UUID NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0), -- 1, 2, … within the aggregate
  old_status VARCHAR(20), -- NULL in the first
  new_status VARCHAR(20) NOT NULL,
  user_id UUID, -- who did it; NULL for scheduled work and after that person's erasure
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (aggregate_type, aggregate_id, version),
  CHECK ((version = 1) = (old_status IS NULL)),
  CHECK (old_status <> new_status)
);
CREATE INDEX idx_aggregate_events_user ON aggregate_events (user_id) WHERE user_id IS NOT NULL;

ALTER TABLE aggregate_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE aggregate_events FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON aggregate_events FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE, UPDATE (user_id) ON aggregate_events TO matching_definer;

SET LOCAL ROLE matching_definer;

-- The caller's own application.
CREATE FUNCTION app_owns_application(p_application_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM public.job_applications
                  WHERE application_id = p_application_id AND user_id = public.current_app_user());
END
$$;

-- An application to a posting of the caller that was not withdrawn, or a posting of a company the caller belongs to.
CREATE FUNCTION app_follows_status(p_aggregate_type text, p_aggregate_id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF p_aggregate_type = 'application' THEN
    RETURN EXISTS (SELECT 1 FROM public.job_applications
                    WHERE application_id = p_aggregate_id AND status <> 'withdrawn' AND public.app_recruits_job(job_id));
  END IF;
  RETURN EXISTS (SELECT 1
                   FROM public.job_posting_keys k
                   JOIN public.job_postings j ON j.job_id = k.job_id AND j.created_at = k.created_at
                  WHERE k.job_id = p_aggregate_id AND public.app_is_company_member(j.company_id));
END
$$;
GRANT EXECUTE ON FUNCTION app_owns_application(uuid), app_follows_status(text, uuid)
  TO authenticated_users, recruiter_role, admin_role;

-- Trigger arguments: aggregate type, id column. Writers of one aggregate wait for each other at its row, so the versions are in the
-- order of the changes and have no gap.
CREATE FUNCTION record_status() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    EXECUTE format(
      'INSERT INTO public.aggregate_events (aggregate_type, aggregate_id, version, new_status, user_id)
       SELECT $1, r.%I, 1, r.status, $2 FROM new_rows r', TG_ARGV[1]) USING TG_ARGV[0], public.current_app_user();
  ELSIF TG_OP = 'UPDATE' THEN
    EXECUTE format(
      'INSERT INTO public.aggregate_events (aggregate_type, aggregate_id, version, old_status, new_status, user_id)
       SELECT $1, r.%1$I, e.version + 1, o.status, r.status, $2
         FROM new_rows r
         JOIN old_rows o USING (%1$I)
        CROSS JOIN LATERAL (SELECT max(version) AS version FROM public.aggregate_events
                             WHERE aggregate_type = $1 AND aggregate_id = r.%1$I) e
        WHERE r.status <> o.status', TG_ARGV[1]) USING TG_ARGV[0], public.current_app_user();
  ELSE
    EXECUTE format('DELETE FROM public.aggregate_events WHERE aggregate_type = $1 AND aggregate_id IN (SELECT %I FROM old_rows)',
                   TG_ARGV[1]) USING TG_ARGV[0];
  END IF;
  RETURN NULL;
END
$$;

INSERT INTO aggregate_events (aggregate_type, aggregate_id, version, new_status, created_at)
SELECT 'job', job_id, 1, status, created_at FROM job_postings
UNION ALL
SELECT 'application', application_id, 1, status, created_at FROM job_applications;

SET LOCAL ROLE supersmartmatch_core_owner;

CREATE POLICY identity_required ON aggregate_events AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
  USING ((SELECT current_app_user()) IS NOT NULL);
CREATE POLICY candidate_read ON aggregate_events FOR SELECT TO authenticated_users
  USING (app_owns_application(aggregate_id));
CREATE POLICY recruiter_read ON aggregate_events FOR SELECT TO recruiter_role
  USING (app_follows_status(aggregate_type, aggregate_id));
CREATE POLICY admin_read ON aggregate_events FOR SELECT TO admin_role USING (true);
-- Which recruiter it was is not for candidates.
GRANT SELECT (aggregate_type, aggregate_id, version, old_status, new_status, created_at) ON aggregate_events TO authenticated_users;
GRANT SELECT ON aggregate_events TO recruiter_role, admin_role;

DO $$
DECLARE
  v_table record;
  v_call text;
BEGIN
  FOR v_table IN
    SELECT * FROM (VALUES ('job_postings', 'job', 'job_id'), ('job_applications', 'application', 'application_id'))
      AS followed (name, type, id)
  LOOP
    v_call := format('FOR EACH STATEMENT EXECUTE FUNCTION record_status(%L, %L)', v_table.type, v_table.id);
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows %s',
                   v_table.name || '_status_insert', v_table.name, v_call);
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows %s',
                   v_table.name || '_status', v_table.name, v_call);
    EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows %s',
                   v_table.name || '_status_delete', v_table.name, v_call);
  END LOOP;
END
$$;
