package iam

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// absentRoutes are the operations that ask for what no account has here:
// passwords for a console, MFA devices, keys and certificates of other
// services. Clients ask before they delete a user; there is nothing to delete.
func (s *Service) absentRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.GetLoginProfile, func(ctx context.Context, in *iamapi.GetLoginProfileRequest) policy.Target {
			return s.onUserOrCaller(ctx, in.UserName)
		}, func(ctx context.Context, in *iamapi.GetLoginProfileRequest) (*iamapi.GetLoginProfileResponse, error) {
			return nil, s.noLoginProfile(ctx, in.UserName)
		}),
		api.Handle(iamapi.DeleteLoginProfile, func(ctx context.Context, in *iamapi.DeleteLoginProfileRequest) policy.Target {
			return s.onUserOrCaller(ctx, in.UserName)
		}, func(ctx context.Context, in *iamapi.DeleteLoginProfileRequest) (*iamapi.DeleteLoginProfileResponse, error) {
			return nil, s.noLoginProfile(ctx, in.UserName)
		}),
		api.Handle(iamapi.GetAccountPasswordPolicy, onAll,
			func(ctx context.Context, _ *iamapi.GetAccountPasswordPolicyRequest) (*iamapi.GetAccountPasswordPolicyResponse, error) {
				return nil, noPasswordPolicy(ctx)
			}),
		api.Handle(iamapi.DeleteAccountPasswordPolicy, onAll,
			func(ctx context.Context, _ *iamapi.DeleteAccountPasswordPolicyRequest) (*iamapi.DeleteAccountPasswordPolicyResponse, error) {
				return nil, noPasswordPolicy(ctx)
			}),
		api.Handle(iamapi.ListMFADevices, func(ctx context.Context, in *iamapi.ListMFADevicesRequest) policy.Target {
			return s.onUserOrCaller(ctx, in.UserName)
		}, func(ctx context.Context, in *iamapi.ListMFADevicesRequest) (*iamapi.ListMFADevicesResponse, error) {
			return &iamapi.ListMFADevicesResponse{MFADevices: []iamapi.MFADevice{}, IsTruncated: new(false)}, s.asked(ctx, in.UserName)
		}),
		api.Handle(iamapi.ListVirtualMFADevices, onAll,
			func(context.Context, *iamapi.ListVirtualMFADevicesRequest) (*iamapi.ListVirtualMFADevicesResponse, error) {
				return &iamapi.ListVirtualMFADevicesResponse{VirtualMFADevices: []iamapi.VirtualMFADevice{}, IsTruncated: new(false)}, nil
			}),
		api.Handle(iamapi.ListSSHPublicKeys, func(ctx context.Context, in *iamapi.ListSSHPublicKeysRequest) policy.Target {
			return s.onUserOrCaller(ctx, in.UserName)
		}, func(ctx context.Context, in *iamapi.ListSSHPublicKeysRequest) (*iamapi.ListSSHPublicKeysResponse, error) {
			return &iamapi.ListSSHPublicKeysResponse{SSHPublicKeys: []iamapi.SSHPublicKeyMetadata{}, IsTruncated: new(false)}, s.asked(ctx, in.UserName)
		}),
		api.Handle(iamapi.ListSigningCertificates, func(ctx context.Context, in *iamapi.ListSigningCertificatesRequest) policy.Target {
			return s.onUserOrCaller(ctx, in.UserName)
		}, func(ctx context.Context, in *iamapi.ListSigningCertificatesRequest) (*iamapi.ListSigningCertificatesResponse, error) {
			return &iamapi.ListSigningCertificatesResponse{Certificates: []iamapi.SigningCertificate{}, IsTruncated: new(false)}, s.asked(ctx, in.UserName)
		}),
		api.Handle(iamapi.ListServiceSpecificCredentials, func(ctx context.Context, in *iamapi.ListServiceSpecificCredentialsRequest) policy.Target {
			return s.onUserOrCaller(ctx, in.UserName)
		}, func(ctx context.Context, in *iamapi.ListServiceSpecificCredentialsRequest) (*iamapi.ListServiceSpecificCredentialsResponse, error) {
			return &iamapi.ListServiceSpecificCredentialsResponse{
				ServiceSpecificCredentials: []iamapi.ServiceSpecificCredentialMetadata{}, IsTruncated: new(false),
			}, s.asked(ctx, in.UserName)
		}),
		api.Handle(iamapi.ListServerCertificates, func(ctx context.Context, in *iamapi.ListServerCertificatesRequest) policy.Target {
			return on(ctx, iamARN(account(ctx), "server-certificate", pathOf(in.PathPrefix), ""))
		}, func(context.Context, *iamapi.ListServerCertificatesRequest) (*iamapi.ListServerCertificatesResponse, error) {
			return &iamapi.ListServerCertificatesResponse{ServerCertificateMetadataList: []iamapi.ServerCertificateMetadata{}, IsTruncated: new(false)}, nil
		}),
		api.Handle(iamapi.ListInstanceProfiles, func(ctx context.Context, in *iamapi.ListInstanceProfilesRequest) policy.Target {
			return on(ctx, iamARN(account(ctx), "instance-profile", pathOf(in.PathPrefix), ""))
		}, func(context.Context, *iamapi.ListInstanceProfilesRequest) (*iamapi.ListInstanceProfilesResponse, error) {
			return &iamapi.ListInstanceProfilesResponse{InstanceProfiles: []iamapi.InstanceProfile{}, IsTruncated: new(false)}, nil
		}),
	}
}

// asked checks that who is asked about is there: the user of the name, or
// without a name the caller, who may be root.
func (s *Service) asked(ctx context.Context, name *string) error {
	if name == nil && api.Caller(ctx).Type == rootType {
		return nil
	}
	return s.db.Read(ctx, func(tx *store.Tx) error {
		_, err := s.userOrCaller(ctx, tx, name)
		return err
	})
}

// noLoginProfile says that a user has no password, whose user must be there.
func (s *Service) noLoginProfile(ctx context.Context, name *string) error {
	if err := s.asked(ctx, name); err != nil {
		return err
	}
	if name == nil {
		name = new(lastSegment(api.Caller(ctx).ARN))
	}
	return noSuchEntity("Login Profile for User %s cannot be found.", *name)
}

func noPasswordPolicy(ctx context.Context) error {
	return noSuchEntity("The Password Policy with domain name %s cannot be found.", account(ctx))
}
