package directory

import (
	"context"

	"onsight/internal/onsightapi"
)

// refreshDirectory compares the account's users with the directory at once.
func (s *Service) refreshDirectory(ctx context.Context, in *onsightapi.RefreshDirectoryRequest) (*onsightapi.RefreshDirectoryResponse, error) {
	p, _, err := s.enter(ctx, in.AwsAccountId)
	if err != nil {
		return nil, err
	}
	done, err := s.refresh(ctx, p)
	if err != nil {
		return nil, told(p, err)
	}
	return &onsightapi.RefreshDirectoryResponse{
		Compared: new(int64(done.People)), Left: new(int64(done.Left)), Returned: new(int64(done.Returned)), Moved: new(int64(done.Moved)),
	}, nil
}
