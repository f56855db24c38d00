"""Archives of DICOM images: query, retrieve, receive, send, by DIMSE, DICOMweb and S3.

A :class:`~anontui.pacs.node.Node` says how an archive is reached,
:func:`~anontui.pacs.archive.open_archive` gives what talks to it. Nothing here knows of jobs,
projects or servers of ours.
"""
