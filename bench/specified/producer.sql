-- Outbox and audit log as specified, on our candidate_profiles: whole old and new rows, a NOTIFY for each event. The specification has
-- the table of the audit log and nothing that writes it; this writes what its columns ask for. The triggers start out disabled.
CREATE SCHEMA specified;

CREATE TABLE specified.outbox_events (
    event_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    aggregate_type VARCHAR(50) NOT NULL,
    aggregate_id UUID NOT NULL,
    event_type VARCHAR(100) NOT NULL,
    event_data JSONB NOT NULL,
    event_version INTEGER DEFAULT 1,
    published BOOLEAN DEFAULT FALSE,
    published_at TIMESTAMP WITH TIME ZONE,
    retry_count INTEGER DEFAULT 0,
    max_retries INTEGER DEFAULT 3,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_outbox_events_published ON specified.outbox_events (published, created_at) WHERE NOT published;
CREATE INDEX idx_outbox_events_aggregate ON specified.outbox_events (aggregate_type, aggregate_id);

CREATE FUNCTION specified.publish_domain_event(
    p_aggregate_type VARCHAR(50),
    p_aggregate_id UUID,
    p_event_type VARCHAR(100),
    p_event_data JSONB
) RETURNS UUID AS $$
DECLARE
    event_id UUID;
BEGIN
    INSERT INTO specified.outbox_events (aggregate_type, aggregate_id, event_type, event_data)
    VALUES (p_aggregate_type, p_aggregate_id, p_event_type, p_event_data)
    RETURNING outbox_events.event_id INTO event_id;
    PERFORM pg_notify('outbox_events', event_id::text);
    RETURN event_id;
END;
$$ LANGUAGE plpgsql;

CREATE FUNCTION specified.candidate_profile_event_trigger()
RETURNS TRIGGER AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM specified.publish_domain_event('candidate', NEW.candidate_id, 'candidate.profile.created', to_jsonb(NEW));
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM specified.publish_domain_event(
            'candidate',
            NEW.candidate_id,
            'candidate.profile.updated',
            jsonb_build_object(
                'old', to_jsonb(OLD),
                'new', to_jsonb(NEW),
                'changed_fields', (
                    SELECT array_agg(key)
                    FROM jsonb_each(to_jsonb(NEW))
                    WHERE to_jsonb(NEW) ->> key IS DISTINCT FROM to_jsonb(OLD) ->> key
                )
            )
        );
    END IF;
    RETURN COALESCE(NEW, OLD);
END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER specified_events AFTER INSERT OR UPDATE ON candidate_profiles
    FOR EACH ROW EXECUTE FUNCTION specified.candidate_profile_event_trigger();

CREATE TABLE specified.audit_log (
    audit_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    table_name VARCHAR(64) NOT NULL,
    operation VARCHAR(10) NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    user_id UUID,
    user_ip INET,
    timestamp TIMESTAMP WITH TIME ZONE DEFAULT CURRENT_TIMESTAMP,
    old_values JSONB,
    new_values JSONB,
    changed_columns TEXT[],
    data_classification VARCHAR(20),
    retention_until DATE
);
CREATE INDEX idx_audit_log_table_time ON specified.audit_log (table_name, timestamp);
CREATE INDEX idx_audit_log_user ON specified.audit_log (user_id, timestamp);

CREATE FUNCTION specified.write_audit()
RETURNS TRIGGER AS $$
BEGIN
    INSERT INTO specified.audit_log (table_name, operation, user_id, old_values, new_values, changed_columns, data_classification)
    VALUES (TG_TABLE_NAME, TG_OP, NEW.user_id, to_jsonb(OLD), to_jsonb(NEW), (
        SELECT array_agg(key)
        FROM jsonb_each(to_jsonb(NEW))
        WHERE to_jsonb(NEW) ->> key IS DISTINCT FROM to_jsonb(OLD) ->> key
    ), 'restricted');
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;
CREATE TRIGGER specified_audit AFTER UPDATE ON candidate_profiles
    FOR EACH ROW EXECUTE FUNCTION specified.write_audit();

ALTER TABLE candidate_profiles DISABLE TRIGGER specified_events, DISABLE TRIGGER specified_audit;
