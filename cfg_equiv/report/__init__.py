"""What people read: tables and figures made from records. Nothing here runs a proof or a check."""
