"""The stages of the workflow: their files, arguments, jobs and expected contents."""
