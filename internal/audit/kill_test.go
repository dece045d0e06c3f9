package audit

const childEnv = "ONSIGHT_AUDIT_TEST_CHILD"

func child() {}
